//! Who asks a server over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::mcp_server::{CALL, HEADERS};

/// A call of a tool, with this token if there is one.
pub(crate) fn request(token: Option<&str>) -> String {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "POST /mcp HTTP/1.1\r\nhost: mcp.example.com\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{HEADERS}{}content-length: {}\r\n\r\n{CALL}",
        token.unwrap_or_default(),
        CALL.len(),
    )
}

/// A kept-alive connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// Sends the request and reads all of the answer, which has to have this status.
    pub(crate) fn ask(&mut self, request: &str, status: u16) {
        let stream = self.0.get_mut();
        stream.write_all(request.as_bytes()).expect("a server");
        let first = self.line();
        let expected = status.to_string();
        assert_eq!(first.split(' ').nth(1), Some(&*expected), "{first}");
        let mut length = 0;
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a server");
        line.trim_end().to_owned()
    }
}
