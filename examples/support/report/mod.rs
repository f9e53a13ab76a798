//! The report of a call: one page that needs nothing else.

mod chart;

use crate::cli::CallOptions;
use crate::meter::{Direction, loss, percent};
use crate::outcome::{Outcome, Way};
use anyhow::Result;
use chart::{Chart, Series};
use core::fmt::Write as _;
use visavis_core::{Bitrate, Instant};
use visavis_sim::Capacity;

static STYLE: &str = include_str!("style.css");

const BLUE: (u8, u8, u8) = (47, 127, 209);
const ORANGE: (u8, u8, u8) = (224, 123, 31);
const GREEN: (u8, u8, u8) = (46, 157, 92);
const RED: (u8, u8, u8) = (214, 69, 93);
const GREY: (u8, u8, u8) = (128, 136, 146);

/// The page.
pub(crate) fn html(
    options: &CallOptions,
    capacity: &Capacity,
    outcome: &Outcome,
    directions: [&Direction; 2],
) -> Result<String> {
    let mut ways = String::new();
    let names = ["A → B", "B → A"];
    for ((name, way), direction) in
        names.into_iter().zip([&outcome.a_to_b, &outcome.b_to_a]).zip(directions)
    {
        write!(ways, "<section><h2>{name}</h2>{}", headline(way))?;
        for chart in charts(capacity, direction) {
            ways.push_str(&chart.draw()?);
        }
        ways.push_str("</section>");
    }
    let (network, call) = (escape(&in_words(options)), escape(&about(options, outcome)));
    Ok(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>A visavis call</title>\
         <style>{STYLE}</style></head><body><header><h1>A call of {} s</h1>\
         <p>{network}</p><p class=\"call\">{call}</p></header><main>{ways}</main></body></html>\n",
        options.seconds
    ))
}

/// The network in words.
fn in_words(options: &CallOptions) -> String {
    let mut words = format!("Network: {} ms one way", options.delay_ms);
    if options.jitter_ms > 0 {
        let _infallible = write!(words, ", up to {} ms jitter", options.jitter_ms);
    }
    if options.loss > 0.0 {
        let _infallible = write!(words, ", {} % loss", options.loss);
    }
    let capacity = match (options.rate_kbps, &options.capacity) {
        (Some(kbps), _) => format!(", {kbps} kb/s with a queue of {} ms", options.queue_ms),
        (None, Some(_)) => format!(", capacity as scripted, a queue of {} ms", options.queue_ms),
        (None, None) => ", unlimited rate".to_owned(),
    };
    words + &capacity
}

fn about(options: &CallOptions, outcome: &Outcome) -> String {
    let time = match outcome.cpu_seconds {
        Some(cpu) => format!("real time, {cpu:.1} s of CPU for both ends"),
        None if options.virtual_time => format!("virtual time, seed {}", options.seed),
        None => "real time".to_owned(),
    };
    let codec = match outcome.a_to_b.video.codec.as_str() {
        "h264" => "H.264",
        _ => "AV1",
    };
    format!("Opus and {codec}, {}, {time}", outcome.srtp_profile)
}

fn headline(way: &Way) -> String {
    let (video, audio) = (&way.video, &way.audio);
    let value = |value: Option<f64>, digits: usize, unit: &str| {
        // A number and its unit stay on one line.
        value.map_or("–".to_owned(), |value| format!("{value:.digits$}\u{a0}{unit}"))
    };
    let ms = |millis| value(millis, 0, "ms");
    let shares = |part, whole| value(Some(percent(part, whole)), 1, "%");
    let freezes = match video.freezes {
        0 => "no freeze".to_owned(),
        1 => format!("1 freeze, {}", ms(Some(video.longest_freeze_ms))),
        many => format!("{many} freezes, up to {}", ms(Some(video.longest_freeze_ms))),
    };
    let (glass, mouth) = (&video.glass_to_glass_ms, &audio.mouth_to_ear_ms);
    let sent = &way.sent_kbps.per_second;
    #[allow(clippy::cast_precision_loss, reason = "seconds of one call")]
    let mean = (!sent.is_empty()).then(|| sent.iter().sum::<f64>() / sent.len() as f64);
    let cards = [
        (
            shares(video.frames_rendered as u64, video.frames_sent as u64),
            "of frames shown",
            freezes,
        ),
        (value(video.psnr_y_db.mean, 1, "dB"), "picture fidelity", {
            format!("PSNR-Y; the worst {}", value(video.psnr_y_db.min, 1, "dB"))
        }),
        (ms(glass.p95), "camera to screen", format!("p95; median {}", ms(glass.p50))),
        (ms(mouth.p95), "mouth to ear", format!("p95; median {}", ms(mouth.p50))),
        (value(Some(audio.concealed_percent), 2, "%"), "of sound made up", {
            format!("{} of {} packets lost", audio.packets_lost, audio.packets_sent)
        }),
        (shares(way.packets.lost, way.packets.sent), "of packets lost", {
            format!("{} of {}", way.packets.lost, way.packets.sent)
        }),
        (value(mean, 0, "kb/s"), "sent on average", "sound and pictures".to_owned()),
        (value(way.target_kbps.last, 0, "kb/s"), "target at the end", {
            format!("on average {}", value(way.target_kbps.mean, 0, "kb/s"))
        }),
    ];
    let card = |(value, what, more): &(String, &str, String)| {
        format!("<div><b>{value}</b><span>{what}</span><small>{more}</small></div>")
    };
    format!("<div class=\"cards\">{}</div>", cards.iter().map(card).collect::<String>())
}

fn charts(capacity: &Capacity, direction: &Direction) -> [Chart; 4] {
    let seconds = direction.duration.as_secs_f64();
    let chart = |title, unit, least_top, series| Chart {
        title,
        unit,
        least_top,
        seconds,
        series,
        freezes: Vec::new(),
    };
    let frozen = direction.video.freezes().spans.into_iter();
    let in_seconds = |at: Instant| at.as_millis_f64() / 1e3;
    let delay = Chart {
        freezes: frozen.map(|(from, to)| (in_seconds(from), in_seconds(to))).collect(),
        ..chart("Delay", "ms", 50.0, delays(direction))
    };
    [
        chart("Rate", "kb/s", 100.0, rates(capacity, direction)),
        delay,
        chart("Loss and repair", "% of packets", 2.0, losses(direction)),
        chart("Sound made up or repaired", "% of sound", 2.0, sound(direction)),
    ]
}

fn rates(capacity: &Capacity, direction: &Direction) -> Vec<Series> {
    let duration = direction.duration.as_secs_f64();
    let sent = direction.sent_kbps();
    let limit = capacity_points(capacity, direction);
    let target = direction.target.points().filter(|point| point.0 <= duration).collect();
    vec![
        Series::steps("capacity", GREY, limit, duration).filled(),
        Series::steps("sent media", BLUE, per_second(&sent, duration), duration),
        Series::steps("target", ORANGE, target, duration),
    ]
}

/// The capacity every 100 ms, since it has no list of its own steps.
fn capacity_points(capacity: &Capacity, direction: &Direction) -> Vec<(f64, f64)> {
    let millis = u64::try_from(direction.duration.as_millis()).unwrap_or(0);
    let at = |ms: u64| capacity.at(Instant::from_millis(ms)).map(Bitrate::kbps_f64);
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of one call")]
    let every = (0..=millis).step_by(100).filter_map(|ms| Some((ms as f64 / 1e3, at(ms)?)));
    let mut points: Vec<_> = every.collect();
    points.dedup_by(|next, last| next.1.total_cmp(&last.1).is_eq());
    points
}

fn delays(direction: &Direction) -> Vec<Series> {
    let seconds = |at: Instant| at.as_millis_f64() / 1e3;
    let points = |delays: &[(Instant, f64)]| {
        delays.iter().map(|&(at, ms)| (seconds(at), ms)).collect::<Vec<_>>()
    };
    let network = direction.network.iter();
    let one_way = network.map(|(at, stats)| (seconds(*at), stats.one_way.as_secs_f64() * 1e3));
    vec![
        Series::line("camera to screen", BLUE, points(&direction.video.delays())),
        Series::line("mouth to ear", GREEN, points(&direction.audio.delays)),
        Series::line("network, one way", GREY, one_way.collect()),
    ]
}

fn losses(direction: &Direction) -> Vec<Series> {
    let duration = direction.duration.as_secs_f64();
    let whole = direction.seconds();
    let readings = direction.network_per_second();
    let pairs = || readings.iter().zip(readings.iter().skip(1));
    let lost: Vec<f64> = pairs().map(|(before, after)| loss(*before, *after)).collect();
    let sent = pairs().map(|(before, after)| after.sent.saturating_sub(before.sent));
    let again: Vec<f64> = direction
        .retransmitted
        .sums(whole)
        .zip(sent)
        .map(|(again, sent)| percent(again, sent))
        .collect();
    vec![
        Series::steps("lost by the network", RED, per_second(&lost, duration), duration),
        Series::steps("sent once more", BLUE, per_second(&again, duration), duration),
    ]
}

fn sound(direction: &Direction) -> Vec<Series> {
    let duration = direction.duration.as_secs_f64();
    let (audio, whole) = (&direction.audio, direction.seconds());
    let share = |part: &crate::meter::PerSecond| {
        let sums = part.sums(whole).zip(audio.played.sums(whole));
        per_second(&sums.map(|(part, all)| percent(part, all)).collect::<Vec<_>>(), duration)
    };
    vec![
        Series::steps("concealed", RED, share(&audio.concealed), duration),
        Series::steps("from redundancy", BLUE, share(&audio.repaired), duration),
    ]
}

/// Values of whole seconds, each at the second's start.
fn per_second(values: &[f64], duration: f64) -> Vec<(f64, f64)> {
    let starts = (0_u32..).map(f64::from).take_while(|&start| start < duration);
    starts.zip(values.iter().copied()).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
