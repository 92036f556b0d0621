"""How good is the verifier? Plant faults in generated projects and see which ones it reports.

::

    results = run(graph, folder, HlsConfig(), plan)
    score(results)
"""
