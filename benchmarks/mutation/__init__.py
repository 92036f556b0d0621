"""How good is the verifier? Plant faults in generated projects and see which ones it reports.

::

    mutants = run(graphs, HlsConfig(), folder, copies=8, builds=1)
    score(mutants)
"""
