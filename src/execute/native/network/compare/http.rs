//! `check_http`.

use super::cases::{Case, combined, compare, compare_each, lines};
use super::servers::{Act, closed, send, tcp, tls};
use super::tcp::ports;

const DAY_S: i64 = 86_400;

/// Hears a request, and answers.
fn page(text: impl AsRef<[u8]>) -> Vec<Act> {
    vec![Act::Hear, send(text)]
}

fn pages() -> Vec<Vec<Act>> {
    let ok = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/html\r\n\r\n<h1>Welcome to nginx</h1>\n";
    let mut pages: Vec<Vec<Act>> = [
        ok,
        "HTTP/1.0 200 OK\nServer: y\n\nsmall\n",
        "HTTP/1.1 200\r\nA: b\r\n\r\n",
        "HTTP/1.1 204 No Content \t\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: /other\r\n\r\n",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nA: b\r\n\r\nwelcome, but no",
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a, b\"\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n<p>gone | away</p>\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nA: b\r\n\r\nWelcome",
        "HTTP/1.1 503 Not now\r\nRetry-After: 5\r\n\r\n",
        "HTTP/1.1 600 Odd\r\nA: b\r\n\r\n",
        "HTTP/1.1 099 Odd\r\nA: b\r\n\r\n",
        "HTTP/1.1 20 Odd\r\nA: b\r\n\r\n",
        "HTTP/1.1 2000 Odd\r\nA: b\r\n\r\n",
        "HTTP/1.1\r\nA: b\r\n\r\n",
        "HTTP/2 200 OK\r\nA: b\r\n\r\n",
        "ICY 200 OK\r\nA: b\r\n\r\nWelcome",
        "220 no http at all\r\n",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\r\nA: no end",
        "HTTP/1.1 200 OK\r\nA: no end\r\n",
        "\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nlate",
        "HTTP/1.1 200 OK\r\n\r\nWelcome without headers\n",
        "HTTP/1.1 200 OK\r\nA: b\n\r\nWelcome\n\n",
        "HTTP/1.1 200 OK\n\nA: b\r\n\r\nx\n\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n\r\n\r\n\r\nWelcome after lines\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nWelcome\r\na;x=y\r\n to nginx!\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding:chunked\r\n\r\n3\r\nWel\r\n4\r\ncome\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunks",
        "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\nWel\0come",
    ]
    .into_iter()
    .map(page)
    .collect();
    pages.push(page([ok.as_bytes(), &[b'x'; 100_000]].concat()));
    pages.push(page(b"HTTP/1.1 200 \xe9t\xe9\r\nA: \xff\r\n\r\nlatin \xe9\r\n"));
    let in_pieces = ok.as_bytes().chunks(20).flat_map(|piece| [send(piece), Act::Pause(10)]);
    pages.push([Act::Hear].into_iter().chain(in_pieces).collect());
    pages.push(vec![Act::Hear, Act::Pause(300), send(ok)]);
    pages.push(vec![Act::Hear, send("HTTP/1.1 200 OK\r\nA: b\r\n\r\nand then"), Act::Hold]);
    pages.push(vec![Act::Hear, send(ok), Act::Pause(50), Act::Reset]);
    pages.push(vec![Act::Hear, Act::Reset]);
    pages.push(vec![Act::Hear]);
    pages.push(vec![Act::Hold]);
    pages.push(vec![Act::Mirror]);
    pages.push(vec![Act::Hear, Act::Flood(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n")]);
    pages
}

const OPTIONS: [&str; 44] = [
    "",
    "-w 5 -c 9",
    "-w 0 -c 9",
    "-w 0 -c 0",
    "-w 1:2 -c 0:5",
    "-w @0:3",
    "-c 60",
    "-s Welcome",
    "-s welcome -B",
    "-s this-text-has-twenty-nine-byte",
    "-s this-text-has-thirty-bytes-yes",
    "-s this-text-has-many-more-bytes-than-thirty -u /some/where?x=y",
    "-r Welcome",
    "-R WELCOME",
    "-r welcome --invert-regex",
    "-r nginx --invert-regex",
    "-r Wel.*come",
    "-l -R come -r xyz",
    "-e 200",
    "-e 404,301",
    "-e HTTP/1.1,ICY",
    "-e OK -s Welcome",
    "-e nothing -B",
    "-d Server",
    "-d Nothing -w 0",
    "-d Nothing-that-is-longer-than-thirty-bytes -s no -r no",
    "-m 10",
    "-m 100000 -w 3",
    "-m 5:50",
    "-m 1:5 -s x",
    "-N",
    "-N -s Welcome",
    "-E",
    "-B",
    "-f ok",
    "-f warning",
    "-f critical -w 0",
    "-f unknown",
    "-f follow",
    "-f sideways",
    "-M 1d",
    "-L",
    "-n -4",
    "-6",
];

#[test]
fn pages_and_what_is_wanted_of_them() {
    let servers: Vec<u16> = pages().into_iter().map(tcp).chain([closed()]).collect();
    let hosts = lines(&["-I 127.0.0.1 -t 2", "-H www.example.org -I 127.0.0.1 -t 2", "-H localhost -t 2"]);
    compare(combined("check_http", &[hosts, ports(servers), lines(&OPTIONS)]), 200);
}

#[test]
fn requests() {
    let port = tcp(vec![Act::Mirror]);
    let hosts = [
        format!("-I 127.0.0.1 -p {port}"),
        format!("-H localhost -p {port}"),
        format!("-H localhost:{port}"),
        format!("-H www.example.org:80 -I 127.0.0.1 -p {port}"),
        format!("-p {port} -H www.example.org:8080 -I 127.0.0.1"),
        format!("127.0.0.1 www.example.org -p {port}"),
        format!("-p {port} localhost"),
        format!("-H [::1]:{port}"),
    ];
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let options = [
        "",
        "-u /some/where",
        "-u no-slash",
        "-j HEAD",
        "-j OPTIONS -P a=b",
        "-P a=b&c=d",
        "-P a=b -T text/plain",
        "-P {} -T application/json -j PUT -P second",
        "-A agent/1",
        "-k X-Own:1 -k Accept:*/*",
        "-k Host:forced",
        "-k Host:one -k A:b -k Host:two",
        "-a user:secret",
        "-a u:p -b proxy:pass",
        "--useragent=x --header=Y:z --url=/q -E",
        "-j CONNECT",
        "-v",
    ];
    let cases = combined("check_http", &[lines(&hosts), lines(&["-B -t 2"]), lines(&options)]);
    // Each is another request, so that all have to be there.
    compare_each(cases, 60);
}

#[test]
fn pages_that_are_elsewhere() {
    let goal = tcp(page("HTTP/1.1 200 OK\r\nA: b\r\n\r\nThere it is\n"));
    let secure = tls(page("HTTP/1.1 200 OK\r\nA: b\r\n\r\nThere it is\n"), Some("x"), 90 * DAY_S + 1800);
    let moved = |to: &str| tcp(page(format!("HTTP/1.1 302 Found\r\nServer: x\r\nLocation: {to}\r\n\r\n")));
    let places = [
        format!("http://127.0.0.1:{goal}/"),
        format!("http://127.0.0.1:{goal}"),
        format!("http://localhost:{goal}/a/b?c=d#e"),
        format!("http://localhost:{goal}/with blank"),
        format!("http://localhost:{goal}//twice"),
        format!("https://127.0.0.1:{secure}/x"),
        format!("HTTP://127.0.0.1:{goal}/x"),
        format!("//127.0.0.1:{goal}/x"),
        "/loop".to_owned(),
        "/".to_owned(),
        "relative/path".to_owned(),
        String::new(),
        format!("http://127.0.0.1:{}/closed", closed()),
        "http://127.0.0.1:70000/x".to_owned(),
        "ftp://127.0.0.1/x".to_owned(),
    ];
    let mut servers: Vec<u16> = places.iter().map(|place| moved(place)).collect();
    servers
        .push(tcp(page(format!("HTTP/1.1 301 M\r\nlocation:\t http://127.0.0.1:{goal}/l\r\nX: y\r\n\r\n"))));
    servers.push(tcp(page(format!(
        "HTTP/1.1 301 M\r\nX-Location: /no\r\nLOCATION:http://127.0.0.1:{goal}/l\n\n"
    ))));
    servers.push(tcp(page("HTTP/1.1 304 Not Modified\r\nX: y\r\n\r\nLocation: /in/the/body\r\n")));
    let options = [
        "-f follow",
        "-f sticky",
        "-f stickyport",
        "-f follow --max-redirs 1",
        "-f follow --max-redirs=0 -s There",
        "-f follow -e 302",
        "-f follow -s There -B -E",
        "-f follow -w 0 -c 5",
        "-f follow -m 1:3 -S",
        "-f ok -s There",
    ];
    let hosts = lines(&["-I 127.0.0.1 -t 2", "-H 127.0.0.1 -t 2", "-H localhost -t 2 -u /loop"]);
    let cases = combined("check_http", &[hosts, ports(servers), lines(&options)]);
    compare(cases, 20);
}

#[test]
fn pages_behind_tls() {
    let lives = [-1000, 3 * 3600 + 1800, 10 * DAY_S + 1800, 400 * DAY_S + 1800];
    let ok = || page("HTTP/1.1 200 OK\r\nA: b\r\n\r\nWelcome\n");
    let mut servers: Vec<u16> = lives.iter().map(|life| tls(ok(), Some("www.example.org"), *life)).collect();
    for acts in pages() {
        servers.push(tls(acts, Some("www.example.org"), 60 * DAY_S + 1800));
    }
    servers.push(tls(vec![Act::Mirror], Some("x"), DAY_S));
    servers.push(tcp(ok()));
    servers.push(closed());
    let options = [
        "-S",
        "-S --sni -B",
        "--ssl -E -w 5",
        "-S -s Welcome -w 0",
        "-S -f critical",
        "-S1.2",
        "-S 1.2",
        "-C 30",
        "-C 30,5",
        "-C 30 --continue-after-certificate",
        "-C 30,20 --continue-after-certificate -s Welcome",
        "-C 5 -S --sni",
    ];
    let hosts = lines(&["-I 127.0.0.1 -t 2", "-H www.example.org -I 127.0.0.1 -t 2"]);
    let mut cases: Vec<Case> = combined("check_http", &[hosts, ports(servers), lines(&options)]);
    cases.extend(combined(
        "check_http",
        &[lines(&["-H localhost -S -t 1", "-H localhost:1 -S", "-S -H localhost:1"])],
    ));
    compare(cases, 40);
}
