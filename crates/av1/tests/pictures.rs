//! Pictures against what libaom decodes from the same clips.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure a test reports"
)]

mod common;

use common::{checksum, colour, luma_checksum, units};
use visavis_av1::Decoder;
use visavis_codec::{DecodeError, Limits, VideoDecoder};

/// `ffmpeg -c:v libaom-av1 -i colour.ivf -f framecrc -`
const COLOUR: [u32; 30] = [
    0x047e_ad7c,
    0x9b24_a5ed,
    0x3679_aac3,
    0x169a_b167,
    0x5c8e_ae97,
    0x3a13_a768,
    0xf715_a935,
    0x0e10_9a7f,
    0x3c2c_b198,
    0x26b7_cf20,
    0xef3e_de89,
    0xfc3d_e1f3,
    0x80a2_fba6,
    0xf892_ee61,
    0xe981_e097,
    0x81c0_ddad,
    0x2f5d_ddd4,
    0x8509_d092,
    0x1b46_eb05,
    0x8015_ead3,
    0x9226_ed49,
    0xe823_f3c9,
    0x6d82_e708,
    0x6015_ea48,
    0xc48b_e4d9,
    0x34ae_d7da,
    0xb7e1_d521,
    0x0c14_d012,
    0x6415_d11a,
    0x3f35_d1e4,
];
/// The same with `-vf crop=130:96:0:0`.
const ODD: [u32; 5] = [0x41cb_62aa, 0x3080_5dfb, 0x9a6f_601a, 0x2d46_6ca6, 0x3b52_553c];
/// The same with `-pix_fmt gray`.
const GREY: [u32; 5] = [0x1812_4bc9, 0x6653_3123, 0x6241_3840, 0x6f1c_4234, 0x0f9e_37bf];

fn decoder() -> Decoder {
    Decoder::new(Limits::default()).unwrap()
}

#[test]
fn every_picture_is_the_one_that_another_decoder_sees() {
    let mut decoder = decoder();
    for (index, (unit, expected)) in colour().iter().zip(COLOUR).enumerate() {
        let shown = decoder.decode(unit).unwrap().unwrap();
        assert_eq!((shown.width(), shown.height()), (128, 96));
        assert_eq!(checksum(shown), expected, "picture {index}");
    }
}

#[test]
fn an_odd_size_loses_its_last_column_and_row() {
    let mut decoder = decoder();
    for (unit, expected) in units(include_bytes!("clips/odd.ivf")).iter().zip(ODD) {
        let shown = decoder.decode(unit).unwrap().unwrap();
        assert_eq!((shown.width(), shown.height()), (130, 96));
        assert_eq!(checksum(shown), expected);
    }
}

#[test]
fn a_picture_without_colour_is_grey() {
    let mut decoder = decoder();
    for (unit, expected) in units(include_bytes!("clips/grey.ivf")).iter().zip(GREY) {
        let shown = decoder.decode(unit).unwrap().unwrap();
        assert_eq!(luma_checksum(shown), expected);
        for plane in [shown.u(), shown.v()] {
            assert_eq!((plane.width(), plane.height()), (64, 48));
            assert!(plane.rows().flatten().all(|pixel| *pixel == 128));
        }
    }
}

#[test]
fn other_kinds_of_samples_are_told() {
    for (clip, kind) in [
        (&include_bytes!("clips/deep.ivf")[..], "a sample of more than 8 bits"),
        (include_bytes!("clips/full.ivf"), "4:2:2 or 4:4:4"),
    ] {
        let mut decoder = decoder();
        for unit in units(clip) {
            let refused = decoder.decode(&unit).unwrap_err();
            assert_eq!(refused, DecodeError::Unsupported { what: kind });
        }
    }
}

#[test]
fn several_units_at_once_show_the_last_and_leave_nothing_behind() {
    let units = colour();
    let mut decoder = decoder();
    for (three, expected) in units.chunks(3).zip(COLOUR[2..].iter().step_by(3)) {
        let shown = decoder.decode(&three.concat()).unwrap().unwrap();
        assert_eq!(checksum(shown), *expected);
    }
}

#[test]
fn a_clip_may_follow_another() {
    let mut decoder = decoder();
    let clips = [
        colour(),
        units(include_bytes!("clips/grey.ivf")),
        colour(),
        units(include_bytes!("clips/odd.ivf")),
    ];
    let sizes: Vec<usize> =
        clips.iter().flatten().map(|unit| decoder.decode(unit).unwrap().unwrap().width()).collect();
    assert_eq!(sizes.iter().filter(|width| **width == 130).count(), 5);
    assert_eq!(sizes.len(), 70);
}
