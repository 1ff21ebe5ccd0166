//! A small reader of PHP's serialised values, strict about every byte.

/// A value of PHP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Php {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(Vec<u8>),
    /// Keys with their values, in order.
    Array(Vec<(Php, Php)>),
}

impl Php {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// An array with names for keys.
    pub(crate) fn array<'a>(members: impl IntoIterator<Item = (&'a str, Php)>) -> Self {
        let members = members.into_iter();
        Self::Array(members.map(|(name, v)| (Self::text(name), v)).collect())
    }

    /// An array with the keys 0, 1, 2…
    pub(crate) fn list(values: impl IntoIterator<Item = Php>) -> Self {
        let values = values.into_iter().enumerate();
        Self::Array(values.map(|(i, v)| (Self::Integer(i as i64), v)).collect())
    }

    /// Reads one value that is all there is; else says what is wrong where.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader { bytes, at: 0 };
        let value = reader.value()?;
        if reader.at < bytes.len() {
            return Err(format!("more at {}", reader.at));
        }
        Ok(value)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Php, String> {
        let kind = self.take(1)?;
        match kind {
            b"N" => {
                self.expect(b";")?;
                Ok(Php::Null)
            }
            b"b" => {
                self.expect(b":")?;
                match self.until(b';')? {
                    "0" => Ok(Php::Boolean(false)),
                    "1" => Ok(Php::Boolean(true)),
                    other => Err(format!("'{other}' is no boolean")),
                }
            }
            b"i" => {
                self.expect(b":")?;
                self.number(b';').map(Php::Integer)
            }
            b"d" => {
                self.expect(b":")?;
                self.number(b';').map(Php::Float)
            }
            b"s" => {
                self.expect(b":")?;
                let length = self.number(b':')?;
                self.expect(b"\"")?;
                let text = self.take(length)?.to_vec();
                self.expect(b"\";")?;
                Ok(Php::Text(text))
            }
            b"a" => {
                self.expect(b":")?;
                let length = self.number::<usize>(b':')?;
                self.expect(b"{")?;
                let mut members = Vec::new();
                for _ in 0..length {
                    let key = self.value()?;
                    if !matches!(key, Php::Integer(_) | Php::Text(_)) {
                        return Err(format!("{key:?} is no key"));
                    }
                    members.push((key, self.value()?));
                }
                self.expect(b"}")?;
                Ok(Php::Array(members))
            }
            other => Err(format!("no value begins with {other:?}, at {}", self.at)),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| format!("{length} bytes wanted at {}", self.at))?;
        self.at += length;
        Ok(taken)
    }

    fn expect(&mut self, token: &[u8]) -> Result<(), String> {
        let found = self.take(token.len())?;
        if found == token {
            Ok(())
        } else {
            Err(format!("{token:?} expected before {}", self.at))
        }
    }

    fn until(&mut self, end: u8) -> Result<&'a str, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| *b == end);
        let length = length.ok_or_else(|| format!("no end after {}", self.at))?;
        let text = str::from_utf8(self.take(length)?).map_err(|e| e.to_string())?;
        self.expect(&[end])?;
        Ok(text)
    }

    fn number<T: std::str::FromStr>(&mut self, end: u8) -> Result<T, String> {
        let text = self.until(end)?;
        text.parse().map_err(|_| format!("'{text}' is no number"))
    }
}
