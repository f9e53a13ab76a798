//! visavis-opus
