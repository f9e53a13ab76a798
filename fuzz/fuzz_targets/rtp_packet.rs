//! Any bytes as an RTP packet: what parses lies within itself and can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_core::{PayloadType, Ssrc};
use visavis_rtp::{ExtensionMap, Header, Packet, header_len, rtx, write_padding};

fuzz_target!(|data: &[u8]| {
    let Ok(packet) = Packet::parse(data) else { return };
    assert_eq!(header_len(data), Ok(packet.header_len()));
    assert_eq!(packet.header_len() + packet.payload().len() + packet.padding_len(), data.len());
    let _ = ExtensionMap::default().read(&packet);

    let csrcs: Vec<_> = packet.csrcs().collect();
    let mut header =
        Header::new(packet.payload_type(), packet.seq(), packet.timestamp(), packet.ssrc());
    (header.marker, header.csrcs) = (packet.marker(), &csrcs);
    // Elements and their padding may be laid out in another way, so that twice the room may be needed.
    let mut buffer = vec![0; data.len() * 2 + 16];
    let Ok(start) = header.write_elements(packet.extensions(), &mut buffer) else { return };
    let end = start + packet.payload().len();
    buffer[start..end].copy_from_slice(packet.payload());
    let padding = u8::try_from(packet.padding_len()).unwrap();
    let len = write_padding(&mut buffer, end, padding).unwrap();

    let mut again = Packet::parse(&mut buffer[..len]).unwrap();
    assert_eq!(again.payload(), packet.payload());
    assert_eq!(again.padding_len(), packet.padding_len());
    assert!(again.csrcs().eq(csrcs.iter().copied()));
    assert!(again.extensions().eq(packet.extensions()));
    assert_eq!((again.marker(), again.payload_type()), (packet.marker(), packet.payload_type()));
    for (id, value) in packet.extensions() {
        let same_len = packet.extension(id).is_some_and(|first| first.len() == value.len());
        assert_eq!(again.set_extension(id, value), same_len);
    }

    let mut copy = data.to_vec();
    let restored = rtx::restore(&mut copy, Ssrc(1), PayloadType::from_low_bits(2));
    assert_eq!(restored.is_ok(), packet.payload().len() >= rtx::OVERHEAD);
});
