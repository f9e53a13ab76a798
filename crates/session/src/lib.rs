//! visavis-session
