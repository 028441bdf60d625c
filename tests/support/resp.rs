//! As much of Redis's protocol as it takes to read everything that it keeps.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// A connection to a Redis server.
#[derive(Debug)]
pub(crate) struct Resp(BufReader<TcpStream>);

/// One answer.
#[derive(Clone, Debug)]
enum Value {
    Bytes(Vec<u8>),
    List(Vec<Value>),
}

impl Resp {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Redis listens");
        Self(BufReader::new(stream))
    }

    /// How many keys there are, and every key and value, one after the other.
    pub(crate) fn everything(&mut self) -> (usize, Vec<u8>) {
        let keys = self.keys();
        let mut all = Vec::new();
        for key in &keys {
            all.extend_from_slice(key);
            all.push(b'\n');
            let kind = self.ask(&[b"TYPE", key]).flat();
            let value = match kind.as_slice() {
                b"string" => self.ask(&[b"GET", key]),
                b"hash" => self.ask(&[b"HGETALL", key]),
                b"set" => self.ask(&[b"SMEMBERS", key]),
                b"zset" => self.ask(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]),
                b"list" => self.ask(&[b"LRANGE", key, b"0", b"-1"]),
                // It expired since it was listed.
                b"none" => continue,
                _ => panic!("a value of the type {}", String::from_utf8_lossy(&kind)),
            };
            all.extend(value.flat());
        }
        (keys.len(), all)
    }

    fn keys(&mut self) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let mut cursor = b"0".to_vec();
        loop {
            let Value::List(page) = self.ask(&[b"SCAN", &cursor, b"COUNT", b"1000"]) else {
                panic!("SCAN gave no list");
            };
            let [next, Value::List(found)] = page.as_slice() else {
                panic!("SCAN gave no page");
            };
            keys.extend(found.iter().map(Value::flat));
            cursor = next.flat();
            if cursor == b"0" {
                return keys;
            }
        }
    }

    fn ask(&mut self, words: &[&[u8]]) -> Value {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", word.len()).into_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        let sent = self.0.get_mut().write_all(&request);
        sent.expect("Redis takes requests");
        self.read()
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("Redis answers");
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "*" => Value::List((0..length(rest)).map(|_| self.read()).collect()),
            "$" => {
                let mut bytes = vec![0; length(rest) + 2];
                self.0.read_exact(&mut bytes).expect("Redis answers");
                bytes.truncate(length(rest));
                Value::Bytes(bytes)
            }
            "+" | ":" => Value::Bytes(rest.as_bytes().to_vec()),
            _ => panic!("Redis answers {line}"),
        }
    }
}

impl Value {
    /// All bytes in it, parts on lines of their own.
    fn flat(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::List(parts) => {
                let lines = parts
                    .iter()
                    .map(|part| [part.flat(), b"\n".to_vec()].concat());
                lines.collect::<Vec<_>>().concat()
            }
        }
    }
}

fn length(text: &str) -> usize {
    text.parse().expect("a length is a number")
}
