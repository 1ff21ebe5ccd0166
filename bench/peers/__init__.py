"""The anchors report on other engines, beside Windlass: the same questions, the same rows, the time."""
