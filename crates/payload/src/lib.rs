//! visavis-payload
