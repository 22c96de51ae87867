//! Streams: made, checked, published into once and no more, over kills of the server, too.

use custos::feed::nats::{Chain, HostStream, Link, NatsError, PREVIOUS, Published, Stream, hash, subject_of};

use crate::server::{Server, programs, runtime};

#[test]
fn a_message_is_stored_once_and_a_stream_says_where_it_ends() {
    for program in programs() {
        let server = Server::start(&program, "");
        runtime().block_on(async {
            let mut client = server.client().await;
            let stream = Stream::new("CUSTOS", None).unwrap();
            assert!(stream.find(&mut client).await.unwrap().is_none());
            let info = stream.find_or_make(&mut client, &["custos.>"]).await.unwrap();
            assert_eq!(info.config.faults(), Vec::<String>::new());
            assert_eq!(stream.find_or_make(&mut client, &["custos.>"]).await.unwrap().config, info.config);

            let message = Published {
                subject: "custos.a.b",
                id: "1",
                last: 0,
                headers: &[("A", "b")],
                payload: b"one",
            };
            let first = stream.publish(&mut client, &message).await.unwrap();
            assert_eq!((first.seq, first.duplicate), (1, false));
            // The same again is not stored: 2.9 looks at the id first, newer servers at the expected sequence.
            match stream.publish(&mut client, &message).await {
                Ok(again) => assert_eq!((again.seq, again.duplicate), (1, true)),
                Err(refused) => assert!(matches!(refused, NatsError::OtherLast(_)), "{refused}"),
            }
            assert_eq!(stream.find(&mut client).await.unwrap().unwrap().state.messages, 1);
            let stale = Published { id: "2", ..message };
            let refused = stream.publish(&mut client, &stale).await.unwrap_err();
            assert!(matches!(refused, NatsError::OtherLast(_)), "{refused}");
            let second = Published { id: "2", last: 1, payload: b"two", ..message };
            assert_eq!(stream.publish(&mut client, &second).await.unwrap().seq, 2);

            let last = stream.last(&mut client, "custos.a.b").await.unwrap().unwrap();
            assert_eq!((last.seq, &*last.payload, last.headers.get("a")), (2, &b"two"[..], Some("b")));
            assert!(stream.last(&mut client, "custos.a.c").await.unwrap().is_none());
            assert_eq!(stream.next(&mut client, "custos.*.*", 1).await.unwrap().unwrap().payload, b"one");
            assert!(stream.next(&mut client, "custos.a.b", 3).await.unwrap().is_none());
            let subjects = stream.subjects(&mut client, "custos.*.*").await.unwrap();
            assert_eq!(subjects.into_iter().collect::<Vec<_>>(), [("custos.a.b".to_owned(), 2)]);
            client.ping().await.unwrap();
        });
    }
}

#[test]
fn what_a_stream_does_not_take_is_said_with_what_to_do() {
    for program in programs() {
        let server = Server::start(&program, "max_payload: 10000");
        runtime().block_on(async {
            let mut client = server.client().await;
            let stream = Stream::new("CUSTOS", None).unwrap();
            let message =
                Published { subject: "custos.a.b", id: "1", last: 0, headers: &[], payload: b"one" };
            let nobody = stream.publish(&mut client, &message).await.unwrap_err();
            assert!(nobody.to_string().contains("see that the stream is there"), "{nobody}");
            stream.find_or_make(&mut client, &["custos.>"]).await.unwrap();
            let large = Published { payload: &[0; 20_000], ..message };
            let refused = stream.publish(&mut client, &large).await.unwrap_err();
            assert!(matches!(refused, NatsError::TooLarge(_, 10_000)), "{refused}");
            let other = Stream::new("OTHER", None).unwrap();
            let wrong = other.publish(&mut client, &message).await.unwrap_err();
            assert!(wrong.to_string().contains("another stream"), "{wrong}");
            // The connection is still good.
            assert_eq!(stream.publish(&mut client, &message).await.unwrap().seq, 1);
        });
    }
}

#[test]
fn hosts_that_share_a_stream_may_say_the_same() {
    for program in programs() {
        let server = Server::start(&program, "");
        runtime().block_on(async {
            let mut client = server.client().await;
            let stream = Stream::new("CUSTOS", None).unwrap();
            stream.find_or_make(&mut client, &["custos.>"]).await.unwrap();
            for (number, host) in ["web1", "web2", "db1"].into_iter().enumerate() {
                let subject = subject_of("lab", host);
                let (mut sending, _) = HostStream::resume(&mut client, &stream, &subject).await.unwrap();
                for body in [b"one", b"two"] {
                    sending.send(&mut client, &[], body).await.unwrap();
                }
                let last = stream.last(&mut client, &subject).await.unwrap().unwrap();
                assert_eq!((last.seq, &*last.payload), (2 * (number as u64 + 1), &b"two"[..]));
            }
        });
    }
}

/// Sends until the server is killed at a moment that nobody chose, resumes from what the stream has, and goes on.
#[test]
fn nothing_is_missing_or_doubled_after_kills_of_the_server() {
    const ROUNDS: u64 = 3;
    const EACH: u64 = 40;
    for program in programs() {
        let mut server = Server::start(&program, "");
        let runtime = runtime();
        let subject = subject_of("lab", "web.example");
        let stream = Stream::new("CUSTOS", None).unwrap();
        for round in 1..=ROUNDS {
            runtime.block_on(async {
                let mut client = server.client().await;
                stream.find_or_make(&mut client, &["custos.>"]).await.unwrap();
                let (mut host, last) = HostStream::resume(&mut client, &stream, &subject).await.unwrap();
                let mut next =
                    last.map_or(0, |stored| String::from_utf8(stored.payload).unwrap().parse().unwrap());
                let mut was_killed = false;
                while next < round * EACH {
                    next += 1;
                    let body = next.to_string();
                    // Half-way the server dies: whether this message is stored is not known to us.
                    if next == round * EACH - EACH / 2 && !was_killed {
                        was_killed = true;
                        server.kill();
                        let lost = host.send(&mut client, &[], body.as_bytes()).await.unwrap_err();
                        assert!(lost.is_temporary(), "{lost}");
                        server.start_again();
                        client = server.client().await;
                        let (resumed, last) =
                            HostStream::resume(&mut client, &stream, &subject).await.unwrap();
                        next = last
                            .map_or(0, |stored| String::from_utf8(stored.payload).unwrap().parse().unwrap());
                        host = resumed;
                        continue;
                    }
                    host.send(&mut client, &[], body.as_bytes()).await.unwrap();
                }
            });
            server.kill();
            server.start_again();
        }
        runtime.block_on(async {
            let mut client = server.client().await;
            let mut chain = Chain::default();
            for number in 1..=ROUNDS * EACH {
                let stored = stream.next(&mut client, &subject, number).await.unwrap().unwrap();
                assert_eq!(
                    (stored.seq, String::from_utf8_lossy(&stored.payload).parse()),
                    (number, Ok(number))
                );
                assert_eq!(chain.follow(&stored.headers, &stored.payload), Ok(()));
                if number == 1 {
                    assert_eq!(stored.headers.get(PREVIOUS), Some(&*Link::default().to_string()));
                    assert_eq!(chain.last(), Some(hash(Link::default(), b"1")));
                }
            }
            assert!(stream.next(&mut client, &subject, ROUNDS * EACH + 1).await.unwrap().is_none());
        });
    }
}
