//! visavis-congestion
