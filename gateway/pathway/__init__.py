"""Facts, rules and the evaluator that notices what did not happen."""
