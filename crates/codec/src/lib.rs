//! visavis-codec
