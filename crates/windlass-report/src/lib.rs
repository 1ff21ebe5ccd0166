//! windlass-report
