//! Any bytes as a compound RTCP packet: what parses can be walked and, written again, says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visavis_core::{Seq, TooShort};
use visavis_rtp::rtcp::{Compound, Rtcp, SdesItem, Writer};

fuzz_target!(|data: &[u8]| {
    assert!(Compound::parse(data).is_err() || Compound::parse_reduced(data).is_ok());
    let Ok(compound) = Compound::parse_reduced(data) else { return };
    for packet in compound.iter().flatten() {
        check(packet, data.len());
    }
});

fn check(packet: Rtcp<'_>, len: usize) {
    match packet {
        Rtcp::SenderReport(report) => {
            again(|writer| writer.sender_report(&report.info, report.blocks()), packet);
        }
        Rtcp::ReceiverReport(report) => {
            again(|writer| writer.receiver_report(report.ssrc, report.blocks()), packet);
        }
        Rtcp::Sdes(sdes) => {
            let _ = sdes.cname();
            let total: usize = sdes.items().map(|SdesItem { text, .. }| text.len() + 2).sum();
            assert!(total < len);
        }
        Rtcp::Bye(bye) => {
            let ssrcs: Vec<_> = bye.ssrcs().collect();
            let reason = bye.reason().map(str::from_utf8);
            if !ssrcs.is_empty() && !matches!(reason, Some(Err(_))) {
                let reason = reason.and_then(Result::ok);
                again(|writer| writer.bye(&ssrcs, reason), packet);
            }
        }
        Rtcp::Nack(nack) => {
            // Numbers may be laid out in another way, but they are the same ones.
            let seqs: Vec<_> = nack.seqs().collect();
            let bytes = written(|writer| writer.nack(nack.sender, nack.media, nack.seqs()));
            let mut expected: Vec<Seq> = seqs;
            expected.sort_by_key(|seq| seq.0);
            expected.dedup();
            let mut read = Vec::new();
            if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
                let compound = Compound::parse_reduced(&bytes).unwrap();
                let Some(Ok(Rtcp::Nack(nack))) = compound.iter().next() else { panic!() };
                read.extend(nack.seqs());
            }
            read.sort_by_key(|seq| seq.0);
            read.dedup();
            assert_eq!(read, expected);
        }
        Rtcp::Pli(pli) => again(|writer| writer.pli(pli.sender, pli.media), packet),
        Rtcp::Fir(fir) => {
            let requests: Vec<_> = fir.requests().collect();
            let bytes = written(|writer| writer.fir(fir.sender, &requests)).unwrap();
            let Some(Ok(Rtcp::Fir(read))) = Compound::parse_reduced(&bytes).unwrap().iter().next()
            else {
                panic!()
            };
            assert!(read.requests().eq(requests));
        }
        _ => {}
    }
}

fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), TooShort>) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 1 << 20];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).ok()?;
    let len = writer.finish();
    buffer.truncate(len);
    Some(buffer)
}

fn again(write: impl FnOnce(&mut Writer<'_>) -> Result<(), TooShort>, packet: Rtcp<'_>) {
    let bytes = written(write).unwrap();
    let read = Compound::parse_reduced(&bytes).unwrap().iter().next().unwrap().unwrap();
    assert_eq!(read, packet);
}
