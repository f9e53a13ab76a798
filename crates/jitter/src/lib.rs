//! visavis-jitter
