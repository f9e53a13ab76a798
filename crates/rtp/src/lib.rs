//! visavis-rtp
