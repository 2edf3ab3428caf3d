"""From audited rows to the best model that the plan allows: trials, rounds of improvement, folds."""
