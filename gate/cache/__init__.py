"""Remember what was measured on a file, so that nothing is measured twice; the policy judges anew every time."""
