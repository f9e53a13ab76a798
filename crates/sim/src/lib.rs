//! visavis-sim
