//! Where the crate `openh264` doesn't reach: options that change while the encoder runs, and pictures lent by
//! the decoder without a copy.
#![allow(unsafe_code, reason = "the raw interface of OpenH264 is C")]

use core::ffi::c_int;
use core::ptr::{addr_of_mut, null_mut};

use openh264::OpenH264API;
use openh264::decoder::{self, DecoderConfig};
use openh264::encoder::{self, EncoderConfig};
use openh264_sys2::{
    DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER, ENCODER_OPTION_BITRATE,
    ENCODER_OPTION_FRAME_RATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL,
    SBitrateInfo, SBufferInfo, SPATIAL_LAYER_0, SPATIAL_LAYER_ALL, WELS_LOG_QUIET,
};

/// What OpenH264 returns for success.
const OK: i64 = 0;

/// An encoder that writes nothing to stderr, not even while it starts.
pub(crate) fn quiet_encoder(config: EncoderConfig) -> Result<encoder::Encoder, i64> {
    let mut encoder = encoder::Encoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| error.native_code())?;
    let mut level = WELS_LOG_QUIET;
    // SAFETY: OpenH264 takes this option before initialisation too, and reads one 32-bit integer, which
    // `level` is and which lives past the call.
    let code = unsafe {
        encoder.raw_api().set_option(ENCODER_OPTION_TRACE_LEVEL, addr_of_mut!(level).cast())
    };
    check(code).map(|()| encoder)
}

/// Sets the target rate of a running encoder, and raises its ceiling if need be.
pub(crate) fn set_bitrate(
    encoder: &mut encoder::Encoder,
    bps: c_int,
    ceiling: c_int,
) -> Result<(), i64> {
    // The ceiling belongs to the layer and must be there first: a target above it is refused.
    let options = [
        (ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0, ceiling),
        (ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL, bps),
    ];
    for (option, layer, bitrate) in options {
        let mut info = SBitrateInfo { iLayer: layer, iBitrate: bitrate };
        // SAFETY: both options read one `SBitrateInfo`, which lives past the call. An encoder that isn't
        // initialised answers with an error.
        check(unsafe { encoder.raw_api().set_option(option, addr_of_mut!(info).cast()) })?;
    }
    Ok(())
}

/// Sets the frame rate of a running encoder.
pub(crate) fn set_frame_rate(encoder: &mut encoder::Encoder, mut hertz: f32) -> Result<(), i64> {
    // SAFETY: the option reads one `float`, which lives past the call. An encoder that isn't initialised
    // answers with an error.
    check(unsafe {
        encoder.raw_api().set_option(ENCODER_OPTION_FRAME_RATE, addr_of_mut!(hertz).cast())
    })
}

fn check(code: c_int) -> Result<(), i64> {
    let code = i64::from(code);
    if code == OK { Ok(()) } else { Err(code) }
}

/// A decoder on one thread that writes nothing to stderr.
pub(crate) fn quiet_decoder() -> Result<decoder::Decoder, i64> {
    let config = DecoderConfig::new().debug(false);
    decoder::Decoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| error.native_code())
}

/// The planes of one decoded picture: Y, U and V with their strides.
pub(crate) struct Decoded<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) planes: [(&'a [u8], usize); 3],
}

/// Decodes one access unit and lends its picture, if there is one; `Err` holds the bits of
/// `DECODING_STATE`.
///
/// `data` must be shorter than 2 GiB.
pub(crate) fn decode<'a>(
    decoder: &'a mut decoder::Decoder,
    data: &[u8],
) -> Result<Option<Decoded<'a>>, c_int> {
    let len = c_int::try_from(data.len()).unwrap_or(c_int::MAX);
    let mut planes = [null_mut::<u8>(); 3];
    let mut info = SBufferInfo::default();
    // SAFETY: `raw_api` asks that its options be left alone, and nothing here sets any.
    let api = unsafe { decoder.raw_api() };
    // SAFETY: `data` has at least `len` bytes, which are only read during the call; `planes` has the room for
    // three pointers and `info` for the one structure that are written during the call.
    let state = unsafe {
        api.decode_frame_no_delay(
            data.as_ptr(),
            len,
            addr_of_mut!(planes).cast(),
            addr_of_mut!(info),
        )
    };
    if state != 0 {
        return Err(state);
    }
    if info.iBufferStatus == 0 {
        // In profiles that could reorder pictures the decoder keeps one back to see whether they do. A
        // call has no use for that.
        let mut kept: c_int = 0;
        // SAFETY: the option writes one `int`, which `kept` is.
        let code = unsafe {
            api.get_option(
                DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER,
                addr_of_mut!(kept).cast(),
            )
        };
        if code != 0 || kept <= 0 {
            return Ok(None);
        }
        // SAFETY: as for decoding above.
        let state = unsafe { api.flush_frame(addr_of_mut!(planes).cast(), addr_of_mut!(info)) };
        if state != 0 {
            return Err(state);
        }
    }
    if info.iBufferStatus != 1 || planes.iter().any(|plane| plane.is_null()) {
        return Ok(None);
    }
    // SAFETY: of the union only this field exists, and the decoder filled it with the picture.
    let system = unsafe { info.UsrData.sSystemBuffer };
    let size = |value: c_int| usize::try_from(value).unwrap_or(0);
    let (width, height) = (size(system.iWidth), size(system.iHeight));
    let [stride, chroma_stride] = system.iStride.map(size);
    let [y, u, v] = planes;
    let plane = |data: *mut u8, stride: usize, width: usize, height: usize| -> (&'a [u8], usize) {
        if width == 0 || height == 0 || stride < width {
            return (&[], stride);
        }
        // SAFETY: the decoder's picture has `height` rows of `width` bytes that are `stride` apart, in memory
        // of its own which it doesn't touch before its next call; `'a` borrows the decoder until then.
        (unsafe { core::slice::from_raw_parts(data, stride * (height - 1) + width) }, stride)
    };
    let planes = [
        plane(y, stride, width, height),
        plane(u, chroma_stride, width / 2, height / 2),
        plane(v, chroma_stride, width / 2, height / 2),
    ];
    Ok(Some(Decoded { width, height, planes }))
}
