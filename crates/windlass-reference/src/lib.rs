//! windlass-reference
