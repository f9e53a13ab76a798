//! How each program is told to send and to receive. All of them take the same key for both media.

use std::path::Path;
use std::process::Command;

use super::line::{AUDIO_PT, AUDIO_SSRC, FPS, HEIGHT, Line, VIDEO_PT, VIDEO_SSRC, WIDTH};

/// FFmpeg with an SDP. `-t` per output ends it, because nothing else gets it out of a socket's read.
pub(super) fn ffmpeg_receives(program: &Path, sdp: &Path, folder: &Path, seconds: u32) -> Command {
    let mut ffmpeg = Command::new(program);
    let seconds = seconds.to_string();
    ffmpeg.args(["-nostdin", "-hide_banner", "-loglevel", "warning", "-y"]);
    ffmpeg.args(["-protocol_whitelist", "file,crypto,udp,rtp,srtp", "-i"]).arg(sdp);
    ffmpeg.args(["-map", "0:a", "-t", &seconds, "-ac", "1", "-ar", "48000", "-f", "s16le"]);
    ffmpeg.arg(folder.join("audio.pcm"));
    ffmpeg.args(["-map", "0:v", "-t", &seconds, "-fps_mode", "passthrough", "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-f", "rawvideo"]).arg(folder.join("video.yuv"));
    ffmpeg
}

pub(super) fn ffmpeg_sends(program: &Path, line: Line) -> Command {
    let key = line.key_base64();
    let mut ffmpeg = Command::new(program);
    ffmpeg.args(["-nostdin", "-hide_banner", "-loglevel", "warning"]);
    ffmpeg.args(["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]);
    ffmpeg.args(["-re", "-f", "lavfi", "-i"]);
    ffmpeg.arg(format!("testsrc2=size={WIDTH}x{HEIGHT}:rate={FPS}"));
    let mut output = |codec: &[&str], ssrc: u32, payload_type: u8, port: u16| {
        ffmpeg.args(codec).args(["-ssrc", &ssrc.to_string()]);
        ffmpeg.args(["-payload_type", &payload_type.to_string(), "-f", "rtp"]);
        ffmpeg.args(["-srtp_out_suite", "AES_CM_128_HMAC_SHA1_80", "-srtp_out_params", &key]);
        ffmpeg.arg(format!("srtp://127.0.0.1:{port}?pkt_size=1200"));
    };
    let audio = ["-map", "0:a", "-c:a", "libopus", "-b:a", "48k"];
    output(&audio, AUDIO_SSRC, AUDIO_PT, line.audio_port);
    let video = "-map 1:v -c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline \
                 -b:v 800k -g 30 -pix_fmt yuv420p";
    let video: Vec<_> = video.split_whitespace().collect();
    output(&video, VIDEO_SSRC, VIDEO_PT, line.video_port);
    ffmpeg
}

/// GStreamer with caps. It ends by itself after this many buffers.
pub(super) fn gstreamer_receives(line: Line, folder: &Path, seconds: u32) -> Command {
    let key = line.key_hex();
    let caps = |media: &str, rate: u32, name: &str, payload_type: u8, ssrc: u32| {
        format!(
            "application/x-srtp,media={media},clock-rate={rate},encoding-name={name},\
             payload={payload_type},ssrc=(uint){ssrc},srtp-key=(buffer){key},\
             srtp-cipher=aes-128-icm,srtp-auth=hmac-sha1-80,\
             srtcp-cipher=aes-128-icm,srtcp-auth=hmac-sha1-80"
        )
    };
    pipeline(&format!(
        "udpsrc address=127.0.0.1 port={audio_port} caps={audio} ! srtpdec \
         ! rtpjitterbuffer latency=100 ! rtpopusdepay ! opusdec ! audioconvert ! audioresample \
         ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! identity eos-after={packets} \
         ! filesink location={folder}/audio.pcm \
         udpsrc address=127.0.0.1 port={video_port} caps={video} ! srtpdec \
         ! rtpjitterbuffer latency=100 ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert \
         ! video/x-raw,format=I420 ! identity eos-after={frames} \
         ! filesink location={folder}/video.yuv",
        audio_port = line.audio_port,
        video_port = line.video_port,
        audio = caps("audio", 48_000, "OPUS", AUDIO_PT, AUDIO_SSRC),
        video = caps("video", 90_000, "H264", VIDEO_PT, VIDEO_SSRC),
        packets = seconds * 50,
        frames = seconds * FPS,
        folder = folder.display(),
    ))
}

pub(super) fn gstreamer_sends(line: Line) -> Command {
    let protect = format!(
        "srtpenc key={} rtp-cipher=aes-128-icm rtp-auth=hmac-sha1-80 \
         rtcp-cipher=aes-128-icm rtcp-auth=hmac-sha1-80",
        line.key_hex()
    );
    pipeline(&format!(
        "audiotestsrc is-live=true samplesperbuffer=960 freq=440 \
         ! audio/x-raw,rate=48000,channels=1 ! opusenc frame-size=20 \
         ! rtpopuspay pt={AUDIO_PT} ssrc={AUDIO_SSRC} ! application/x-rtp ! {protect} \
         ! udpsink host=127.0.0.1 port={audio_port} \
         videotestsrc is-live=true pattern=ball \
         ! video/x-raw,width={WIDTH},height={HEIGHT},framerate={FPS}/1 \
         ! x264enc tune=zerolatency sliced-threads=false speed-preset=ultrafast bitrate=800 \
           key-int-max=30 ! video/x-h264,profile=baseline ! h264parse \
         ! rtph264pay pt={VIDEO_PT} ssrc={VIDEO_SSRC} config-interval=-1 mtu=1200 ! {protect} \
         ! udpsink host=127.0.0.1 port={video_port}",
        audio_port = line.audio_port,
        video_port = line.video_port,
    ))
}

fn pipeline(description: &str) -> Command {
    let mut gst = Command::new("gst-launch-1.0");
    gst.arg("--quiet").args(description.split_whitespace());
    gst
}

/// Our own example, once for each medium. As a receiver it says in the end what it got.
pub(super) fn visavis(program: &Path, way: &str, line: Line, seconds: u32) -> [Command; 2] {
    let media = [("audio", line.audio_port, AUDIO_PT), ("video", line.video_port, VIDEO_PT)];
    media.map(|(kind, port, payload_type)| {
        let mut peer = Command::new(program);
        peer.args([way, "--kind", kind, "--port", &port.to_string()]);
        peer.args(["--payload-type", &payload_type.to_string(), "--key", &line.key_hex()]);
        peer.args(["--seconds", &seconds.to_string()]);
        peer
    })
}
