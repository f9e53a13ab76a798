//! Where end-to-end encryption fits: between the encoder and the packetizer, and back.

use visavis_core::TooShort;

use crate::output::StreamId;

/// Changes whole frames before they are packetized and after they are put together again, so that
/// whoever forwards the packets sees only what the transform leaves readable.
///
/// A trait because the embedder brings it: visavis has none of its own yet. It must be deterministic in
/// length: `output` is as long as [`max_output`](Self::max_output) said, and may be left partly unused.
pub trait FrameTransform: Send {
    /// The most bytes that an `input` of this many can become, in either direction.
    fn max_output(&self, input: usize) -> usize;

    /// Turns an encoder's `frame` into what is packetized, and says how long it is.
    ///
    /// # Errors
    /// [`TransformError`]: the frame is not sent.
    fn outgoing(
        &mut self,
        stream: StreamId,
        frame: &[u8],
        output: &mut [u8],
    ) -> Result<usize, TransformError>;

    /// Turns what was put together from packets back into a `frame`, and says how long it is. The same
    /// frame may come twice: once for the redundancy in it, once for itself.
    ///
    /// # Errors
    /// [`TransformError`]: the frame counts as lost.
    fn incoming(
        &mut self,
        stream: StreamId,
        frame: &[u8],
        output: &mut [u8],
    ) -> Result<usize, TransformError>;
}

/// A transform could not do its work on a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// The output was not as long as `max_output` promised.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// The frame is not authentic, or there is no key for it.
    #[error("the frame was refused by the transform")]
    Refused,
}
