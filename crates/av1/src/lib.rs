//! visavis-av1
