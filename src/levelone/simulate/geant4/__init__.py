"""Geant4 in the place of the parametrised tracks and showers; needs the extra [geant4].

Nothing else imports Geant4. It runs in processes of its own (`workers`), one kernel in each (`kernel`), with
its own data sets or with tables that are computed here (`data`, `tables`); a module per detector says what it
is made of and what is read out.
"""
