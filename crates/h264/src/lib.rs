//! visavis-h264
