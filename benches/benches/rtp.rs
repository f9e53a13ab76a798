//! Reading and writing RTP and RTCP, each case beside its peers.

use criterion::{Criterion, criterion_group, criterion_main};
use visavis_benches::Contestant;
use visavis_benches::rtp::{Case, our_walk, ours, rtc, rtcp, rtcp_types, rtp};

fn group<const N: usize>(
    criterion: &mut Criterion,
    name: String,
    contestants: [(&str, Contestant<'_>); N],
) {
    let mut group = criterion.benchmark_group(name);
    for (name, mut contestant) in contestants {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|operations| contestant.time_of(operations));
        });
    }
    group.finish();
}

fn packets(criterion: &mut Criterion) {
    for case in Case::all() {
        let contestants = [("visavis-rtp", ours(case)), ("rtp", rtp(case)), ("rtc-rtp", rtc(case))];
        group(criterion, case.name(), contestants);
    }
}

fn compound(criterion: &mut Criterion) {
    let contestants = [("visavis-rtp", our_walk()), ("rtcp", rtcp()), ("rtcp-types", rtcp_types())];
    group(criterion, "walk RTCP".into(), contestants);
}

criterion_group!(benches, packets, compound);
criterion_main!(benches);
