use std::os::unix::net::UnixListener;

use custos_store::{Options, Writer};
use nix::libc;
use tempfile::TempDir;

use super::*;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

/// A store that this process writes to, and a listener in place of its agent.
fn store() -> (TempDir, Writer, UnixListener) {
    let directory = tempfile::tempdir().unwrap();
    let writer = Writer::open(directory.path(), Options::default()).unwrap();
    let listener = UnixListener::bind(directory.path().join("agent.socket")).unwrap();
    (directory, writer, listener)
}

fn ask_with(
    directory: &TempDir,
    request: &Request,
    silence: Duration,
    patience: Duration,
) -> Result<Response, AskError> {
    let (stream, peer) = connect(directory.path())?;
    converse(stream, peer, request, silence, patience)
}

/// What is made of an agent that sends these bytes and then closes the connection.
fn asked(bytes: &'static [u8]) -> Result<Response, AskError> {
    let (directory, _writer, listener) = store();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        BufReader::new(&stream).read_line(&mut String::new()).unwrap();
        for piece in bytes.chunks(5) {
            stream.write_all(piece).unwrap();
        }
    });
    let answer = ask_with(&directory, &Request::Status, LONG, LONG);
    answering.join().unwrap();
    answer
}

#[test]
fn signs_of_life_come_before_the_answer() {
    let refused = |answer| matches!(answer, Ok(Response::Refused(why)) if why == "no");
    assert!(refused(asked(b"\n\n\n{\"refused\":\"no\"}\n")));
    assert!(refused(asked(b"{\"refused\":\"no\"}\n")));
    assert!(matches!(asked(b"\n\n"), Err(AskError::Closed)));
    assert!(matches!(asked(b"\nHTTP/1.1 400\n"), Err(AskError::Unreadable(_))));
}

#[test]
fn an_endless_answer_is_cut_off() {
    let (directory, _writer, listener) = store();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while stream.write_all(&[b'x'; 1 << 20]).is_ok() {}
    });
    let answer = ask_with(&directory, &Request::Status, LONG, LONG);
    assert!(matches!(answer, Err(AskError::TooLong)), "{answer:?}");
    answering.join().unwrap();
}

#[test]
fn who_does_not_write_to_the_store_is_asked_for_no_run() {
    let (directory, writer, _listener) = store();
    writer.close().unwrap();
    let answer = ask(directory.path(), &Request::Run("c".to_owned()), LONG);
    assert!(matches!(answer, Err(AskError::Stranger(Stranger::Process(_, None)))), "{answer:?}");
}

#[test]
fn one_that_is_stopped_is_silent_however_long_the_answer_may_take() {
    let (directory, _writer, _listener) = store();
    assert!(matches!(ask_with(&directory, &Request::Status, SHORT, LONG), Err(AskError::Silent)));
    // Nor does it matter how many have asked before.
    let mut waiting = Vec::new();
    let full = (0..10_000).find_map(|_| match connect(directory.path()) {
        Ok(connection) => {
            waiting.push(connection);
            None
        }
        Err(error) => Some(error),
    });
    assert!(matches!(full, Some(AskError::Silent)), "{full:?}");
}

#[test]
fn a_run_is_waited_for_unless_the_agent_is_stopped() {
    let (directory, _writer, _listener) = store();
    let run = Request::Run("x".to_owned());
    let patience = Duration::from_millis(120);
    assert!(matches!(ask_with(&directory, &run, SHORT, patience), Err(AskError::Slow(_))));
}

#[test]
fn one_that_lives_may_still_take_too_long() {
    let (directory, _writer, listener) = store();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while stream.write_all(b"\n").is_ok() {}
    });
    let slow = ask_with(&directory, &Request::Status, LONG, Duration::ZERO);
    assert!(matches!(slow, Err(AskError::Slow(_))), "{slow:?}");
    answering.join().unwrap();
}

#[test]
fn a_socket_that_nobody_listens_on_is_no_agent() {
    let (directory, _writer, listener) = store();
    drop(listener);
    assert!(matches!(agent(directory.path()), Err(AskError::NoAgent)));
    std::fs::remove_file(directory.path().join("agent.socket")).unwrap();
    assert!(matches!(agent(directory.path()), Err(AskError::NoAgent)));
    assert!(matches!(agent(&directory.path().join("absent")), Err(AskError::NoAgent)));
}

#[test]
fn messages_have_no_numbers_of_the_system() {
    let refused = AskError::Io(io::Error::from_raw_os_error(libc::EACCES));
    assert_eq!(refused.to_string(), "failed to ask the running agent: Permission denied");
    let slow = AskError::Slow(Duration::from_secs(12));
    assert_eq!(slow.to_string(), "the running agent has not answered within 12s");
}
