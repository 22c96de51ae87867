use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::error::VERSION;

fn text() -> impl Strategy<Value = OsString> {
    vec(any::<u8>(), 0..12).prop_map(OsString::from_vec)
}

fn limits() -> impl Strategy<Value = Limits> {
    let limit = || option::of(any::<u64>());
    (limit(), limit(), limit(), limit()).prop_map(|(address_space_bytes, cpu_s, processes, open_files)| {
        Limits { address_space_bytes, cpu_s, processes, open_files }
    })
}

fn credentials() -> impl Strategy<Value = Credentials> {
    (any::<u32>(), any::<u32>(), vec(any::<u32>(), 0..4)).prop_map(|(uid, gid, groups)| Credentials {
        uid,
        gid,
        groups,
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    let words = (vec(text(), 0..5), option::of(text()));
    let stdin = vec(any::<u8>(), 0..12);
    let program = (words, vec((text(), text()), 0..5), stdin, text(), option::of(credentials()));
    let io = option::of(prop_oneof![
        any::<u8>().prop_map(IoPriority::RealTime),
        any::<u8>().prop_map(IoPriority::BestEffort),
        Just(IoPriority::Idle),
    ]);
    let bounds = ((any::<i8>(), io), limits(), any::<[bool; 5]>(), any::<[u64; 2]>(), any::<[usize; 2]>());
    (program, bounds).prop_map(
        |(
            ((argv, shell_line), env, stdin, cwd, credentials),
            ((nice, io_priority), limits, switches, times, sizes),
        )| Spec {
            argv,
            shell_line,
            env,
            stdin,
            cwd: PathBuf::from(cwd),
            credentials,
            nice,
            io_priority,
            limits,
            no_new_privileges: switches[0],
            leave_background: switches[1],
            await_background: switches[2],
            warm: Warm { perl: switches[3], python: switches[4] },
            timeout: Duration::from_micros(times[0]),
            grace: Duration::from_micros(times[1]),
            stdout_max_bytes: sizes[0],
            stderr_max_bytes: sizes[1],
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        any::<u8>().prop_map(Outcome::Exited),
        any::<u8>().prop_map(Outcome::Signalled),
        Just(Outcome::TimedOut),
        (any::<i32>(), "\\PC{0,20}").prop_map(|(errno, message)| Outcome::NotStarted { errno, message }),
        Just(Outcome::NotFinished),
        Just(Outcome::Stuck),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let output = || vec(any::<u8>(), 0..40);
    (outcome(), output(), output(), any::<[u64; 6]>(), any::<u32>()).prop_map(
        |(outcome, stdout, stderr, numbers, left_behind)| Report {
            warm: left_behind % 2 == 1,
            outcome,
            stdout,
            stdout_bytes: numbers[0],
            stderr,
            stderr_bytes: numbers[1],
            wait_us: numbers[2],
            wall_us: numbers[3],
            cpu_us: numbers[4],
            max_rss_bytes: numbers[5],
            left_behind,
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        any::<u32>().prop_map(|version| Message::Hello { version }),
        (any::<[u64; 2]>(), any::<bool>(), spec()).prop_map(|([ticket, asked_us], awaited, spec)| {
            Message::Start { ticket, asked_us, awaited, spec: Box::new(spec) }
        }),
        any::<u64>().prop_map(|us| Message::Stop { grace: Duration::from_micros(us) }),
        (any::<u64>(), report())
            .prop_map(|(ticket, report)| Message::Report { ticket, report: Box::new(report) }),
    ]
}

proptest! {
    #[test]
    fn a_message_comes_back_as_it_was(messages in vec(message(), 1..4)) {
        let mut bytes = Vec::new();
        for message in &messages {
            encode_message(message, &mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        for message in &messages {
            let (decoded, len) = decode_message(rest).unwrap().unwrap();
            prop_assert_eq!(&decoded, message);
            rest = &rest[len..];
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn a_cut_frame_is_not_a_message_yet(message in message(), cut in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        encode_message(&message, &mut bytes).unwrap();
        let head = &bytes[..cut.index(bytes.len())];
        prop_assert_eq!(decode_message(head), Ok(None));
    }

    #[test]
    fn a_changed_byte_gives_an_error_or_another_message(
        message in message(),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let mut bytes = Vec::new();
        encode_message(&message, &mut bytes).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        // A flipped ticket of a Hello or Stop, which have none, is the one change that is not seen.
        let ticket_of_none = matches!(message, Message::Hello { .. } | Message::Stop { .. }) && (5..13).contains(&place);
        if let Ok(Some((decoded, _))) = decode_message(&bytes) {
            prop_assert!(decoded != message || ticket_of_none || lossy(&message));
        }
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(mut bytes in vec(any::<u8>(), 0..200), kind in 1u8..6) {
        let _ = decode_message(&bytes);
        if bytes.len() > 5 {
            let len = (bytes.len() - 4) as u32;
            bytes[..4].copy_from_slice(&len.to_le_bytes());
            bytes[4] = kind;
            let _ = decode_message(&bytes);
        }
    }
}

/// Whether the message holds text that is decoded leniently, so that two byte strings may mean the same.
fn lossy(message: &Message) -> bool {
    matches!(message, Message::Report { report, .. } if matches!(report.outcome, Outcome::NotStarted { .. }))
}

#[test]
fn a_frame_beyond_the_limit_is_refused_both_ways() {
    let len = FRAME_MAX_BYTES as u32 + 1;
    assert_eq!(decode_message(&len.to_le_bytes()), Err(DecodeError::FrameTooLong(len)));
    let stdout = vec![b'x'; FRAME_MAX_BYTES];
    let report = Report { stdout, ..Report::without_run(Outcome::Exited(0)) };
    let mut out = vec![7];
    let refused = encode_message(&Message::Report { ticket: 1, report: Box::new(report) }, &mut out);
    assert!(matches!(refused, Err(Error::TooLong { len_bytes }) if len_bytes > FRAME_MAX_BYTES));
    assert_eq!(out, [7]);
}

#[test]
fn bytes_after_the_last_field_are_refused() {
    let mut bytes = Vec::new();
    encode_message(&Message::Hello { version: VERSION }, &mut bytes).unwrap();
    bytes[0] += 1;
    bytes.push(0);
    assert_eq!(decode_message(&bytes), Err(DecodeError::Trailing(1)));
}
