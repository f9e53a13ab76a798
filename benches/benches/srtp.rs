//! Protecting and unprotecting SRTP packets, each case beside its peers.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use visavis_benches::srtp::{Case, ours, raw, rtc, webrtc};

fn srtp(criterion: &mut Criterion) {
    for case in Case::all() {
        let mut group = criterion.benchmark_group(case.name());
        group.throughput(Throughput::Bytes(case.size as u64));
        for (name, mut contestant) in [
            ("visavis-srtp", ours(case)),
            ("raw cipher", raw(case)),
            ("rtc-srtp", rtc(case)),
            ("webrtc-srtp", webrtc(case)),
        ] {
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|operations| contestant.time_of(operations));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, srtp);
criterion_main!(benches);
