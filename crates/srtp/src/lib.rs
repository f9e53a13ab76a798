//! visavis-srtp
