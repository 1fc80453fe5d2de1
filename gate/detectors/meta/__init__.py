"""Meta neural analysis: questions, answers, and the judge that was trained on shadow models."""
