"""Recipes: what to train, how it is quantised, what hardware it is for; checked before any work."""

from levelone.recipe.checking import Problem, RecipeError, blamed_on, misfit, overridden, parse_section
from levelone.recipe.form import (
    Bits,
    DataSection,
    EventCount,
    GenerateSection,
    QuantSection,
    Recipe,
    TrainSection,
    VerifySection,
)
from levelone.recipe.reading import Moved, load_recipe, parse_recipe
from levelone.recipe.section import Section, Within, section_type
from levelone.recipe.writing import digest, dump_recipe, literal

__all__ = [
    "Bits",
    "DataSection",
    "EventCount",
    "GenerateSection",
    "Moved",
    "Problem",
    "QuantSection",
    "Recipe",
    "RecipeError",
    "Section",
    "TrainSection",
    "VerifySection",
    "Within",
    "blamed_on",
    "digest",
    "dump_recipe",
    "literal",
    "load_recipe",
    "misfit",
    "overridden",
    "parse_recipe",
    "parse_section",
    "section_type",
]
