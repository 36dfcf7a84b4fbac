//! Address of a queue: servers, and the name of the queue there.

use std::fmt;

/// Name of a queue where its address says none.
const NAME: &str = "affect";
/// Longest name of a queue.
const LONGEST: usize = 32;

/// Who somebody is.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Password { user: String, password: String },
    Token(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

/// `nats://[user:password@]host[:port][,host[:port]...][/name]`, or `tls://...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Each server as `scheme://host[:port]`.
    pub servers: Vec<String>,
    /// The same at all of them.
    pub login: Option<Login>,
    /// Name of the queue: of its stream, and the beginning of its subjects.
    pub name: String,
    /// Whether connections have to be encrypted.
    pub tls: bool,
}

/// The servers without passwords, for whoever reads it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "tls" } else { "nats" };
        let hosts = self.servers.iter().map(|s| s.split_once("://").map_or(s.as_str(), |(_, host)| host));
        let hosts: Vec<&str> = hosts.collect();
        write!(f, "{scheme}://{}/{}", hosts.join(","), self.name)
    }
}

/// Whether a text is a host with or without a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        Some((v6, "")) => (v6, None),
        Some((v6, rest)) => match rest.strip_prefix(':') {
            Some(port) => (v6, Some(port)),
            None => return false,
        },
        None => text.split_once(':').map_or((text, None), |(h, p)| (h, Some(p))),
    };
    let v6 = text.starts_with('[');
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || v6 && c == ':';
    !host.is_empty()
        && host.chars().all(fits)
        && port.is_none_or(|p| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok_and(|p| p > 0))
}

/// A text with `%XX` for bytes that addresses cannot hold.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(b);
        }
    }
    String::from_utf8(bytes).ok()
}

impl Login {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.split_once(':') {
            Some((user, password)) => Self::Password { user: decoded(user)?, password: decoded(password)? },
            None => Self::Token(decoded(text)?),
        })
    }
}

impl Address {
    /// Understands an address.
    ///
    /// # Errors
    /// A sentence without what may be a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "expected an address such as nats://host:4222, nats://user:password@host/name or tls://host";
        let tls = match text.split_once("://") {
            Some(("nats", _)) => false,
            Some(("tls", _)) => true,
            _ => return Err(EXPECTED.to_owned()),
        };
        let scheme = if tls { "tls" } else { "nats" };
        // Each server may say it again.
        let rest = text[scheme.len() + 3..].replace(&format!(",{scheme}://"), ",");
        // A password may hold a slash only as %2F.
        let (servers, name) =
            rest.split_once('/').map_or((&*rest, NAME), |(s, n)| (s, if n.is_empty() { NAME } else { n }));
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.len() > LONGEST || !name.chars().all(fits) {
            return Err(format!("the name of the queue has at most {LONGEST} letters, digits, - and _: {EXPECTED}"));
        }
        let (mut all, mut login) = (Vec::new(), None);
        for server in servers.split(',') {
            let (who, host) = server.rsplit_once('@').map_or((None, server), |(who, host)| (Some(who), host));
            if !is_host(host) {
                return Err(format!("\"{host}\" is no host with a port: {EXPECTED}"));
            }
            all.push(format!("{scheme}://{host}"));
            if let Some(who) = who {
                let wrong = || {
                    format!(
                        "the user at {host} is not understood: a % stands before two hexadecimal digits: {EXPECTED}"
                    )
                };
                let who = Login::parse(who).ok_or_else(wrong)?;
                if login.get_or_insert_with(|| who.clone()) != &who {
                    return Err(format!("there are several users: expected the same one at all servers: {EXPECTED}"));
                }
            }
        }
        Ok(Self { servers: all, login, name: name.to_owned(), tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_or_refused() {
        let parsed = |text: &str| Address::parse(text).map(|a| (a.servers, a.name, a.tls));
        let of = |servers: &[&str], name: &str, tls| {
            Ok((servers.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(), name.to_owned(), tls))
        };
        assert_eq!(parsed("nats://host"), of(&["nats://host"], "affect", false));
        assert_eq!(parsed("nats://host:4222/"), of(&["nats://host:4222"], "affect", false));
        assert_eq!(parsed("tls://a.b:1,c-d:2/calls_2026"), of(&["tls://a.b:1", "tls://c-d:2"], "calls_2026", true));
        assert_eq!(parsed("nats://a,nats://b/x"), of(&["nats://a", "nats://b"], "x", false));
        assert_eq!(parsed("nats://u:p%2F@[::1]:4222"), of(&["nats://[::1]:4222"], "affect", false));
        let login = |text: &str| Address::parse(text).unwrap().login;
        let password =
            |user: &str, password: &str| Some(Login::Password { user: user.into(), password: password.into() });
        assert!(login("nats://u:p%2F%40:@host") == password("u", "p/@:") && login("nats://host").is_none());
        assert!(
            login("nats://u:p@a,u:p@b,c") == password("u", "p")
                && login("tls://t%C3%BC@a") == Some(Login::Token("tü".into()))
        );
        for wrong in [
            "",
            "host",
            "host:4222",
            "http://host",
            "nats:/host",
            "nats://",
            "nats:///x",
            "nats://host:0",
            "nats://host:65536",
            "nats://host:+1",
            "nats://host:x",
            "nats://ho st",
            "nats://host/a.b",
            "nats://host/a/b",
            "nats://host/>",
            "nats://a,,b",
            "nats://u:p@a,v:p@b",
            "nats://u:%@a",
            "nats://u:%+1@a",
            "nats://u:%ff@a",
            "nats://[::1",
            "nats://[::1]4222",
            "nats://u:p@",
            "ws://host",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Address::parse(&format!("nats://host/{}", "n".repeat(33))).is_err());
    }

    #[test]
    fn passwords_are_shown_to_nobody() {
        let address = Address::parse("tls://user:secret@host:4222,user:secret@other/calls").unwrap();
        assert_eq!(address.to_string(), "tls://host:4222,other/calls");
        assert!(!format!("{address:?}").contains("secret"));
        for wrong in [
            "nats://user:secret@ho st",
            "nats://user:secret@",
            "nats://user:secret@host/a b",
            "xnats://user:secret@host",
        ] {
            let why = Address::parse(wrong).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
