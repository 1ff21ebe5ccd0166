//! The dates of archive headers, as loose as they come.

use crate::time::{CaptureTime, seconds_of_civil};

/// A `WARC-Date` (W3C profile of ISO 8601): from `2014` through `2014-01`, `2014-01-02` and
/// `2014-01-02T10:20Z` to `2014-01-02T10:20:30.123456789+02:00`. What is left out is the earliest it
/// can be; fractions of a second are dropped (R1: second precision). Dates of digits only are read
/// as [`arc`] reads them.
pub(crate) fn warc(text: &str) -> Option<CaptureTime> {
    let text = text.trim();
    if text.len() >= 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return arc(text);
    }
    let mut fields = Fields::new(text.as_bytes());
    let year = fields.number(4)?;
    let mut rest = [1, 1, 0, 0, 0];
    for (field, separators) in rest.iter_mut().zip(["-", "-", "Tt ", ":", ":"]) {
        if fields.is_end() || !fields.skip_one_of(separators) {
            break;
        }
        *field = fields.number(2)?;
    }
    if fields.skip_one_of(".,") {
        fields.skip_digits();
    }
    let [month, day, hour, min, sec] = rest;
    let local = seconds_of_civil(i64::from(year), month, day, hour, min, sec)?;
    // What is in its range is the moment, not what clocks showed.
    let seconds = local - fields.zone_seconds()?;
    fields.is_end().then_some(())?;
    u32::try_from(seconds).ok().map(CaptureTime::from_unix)
}

/// The date of an ARC record: `YYYYMMDDhhmmss`. Of more digits the first fourteen count, fewer (at
/// least eight) leave the clock at zero; what follows the digits is passed over; a month or day of
/// `00` is unknown and taken as the first. So the genuine files have it, with 10 to 18 digits.
pub(crate) fn arc(text: &str) -> Option<CaptureTime> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits < 8 {
        return None;
    }
    let mut fields = Fields::new(text.as_bytes().get(..digits.min(14))?);
    let year = fields.number(4)?;
    let month = fields.number(2)?.max(1);
    let day = fields.number(2)?.max(1);
    let [hour, min, sec] = [(); 3].map(|()| fields.number(2).unwrap_or(0));
    CaptureTime::from_civil(i64::from(year), month, day, hour, min, sec)
}

/// A cursor over the fields of a date.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    const fn is_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn number(&mut self, digits: usize) -> Option<u32> {
        let (field, rest) = self.rest.split_at_checked(digits)?;
        let value = field.iter().try_fold(0u32, |acc, b| {
            b.is_ascii_digit().then(|| acc * 10 + u32::from(b - b'0'))
        })?;
        self.rest = rest;
        Some(value)
    }

    fn skip_one_of(&mut self, separators: &str) -> bool {
        match self.rest.split_first() {
            Some((b, rest)) if separators.as_bytes().contains(b) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_digits(&mut self) {
        while let Some((b'0'..=b'9', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    /// The offset from UTC that ends a date: `Z`, nothing, `+02:00`, `-0530`.
    fn zone_seconds(&mut self) -> Option<i64> {
        if self.is_end() || self.skip_one_of("Zz") {
            return Some(0);
        }
        let sign = match self.rest.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.rest = self.rest.get(1..)?;
        let hours = self.number(2)?;
        self.skip_one_of(":");
        let minutes = if self.is_end() { 0 } else { self.number(2)? };
        if hours > 23 || minutes > 59 {
            return None;
        }
        Some(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(time: Option<CaptureTime>) -> String {
        time.map_or_else(|| "none".to_owned(), |t| t.to_string())
    }

    #[test]
    fn r1_warc_dates_of_every_size() {
        for (text, expected) in [
            ("2014-01-02T10:20:30Z", "2014-01-02T10:20:30Z"),
            ("2014-02-10T00:00:01.000000002Z", "2014-02-10T00:00:01Z"),
            ("2019-11-18T12:56:03.352903Z", "2019-11-18T12:56:03Z"),
            ("2014-01-02T10:20Z", "2014-01-02T10:20:00Z"),
            ("2014-01-02", "2014-01-02T00:00:00Z"),
            ("2014-01", "2014-01-01T00:00:00Z"),
            ("2014", "2014-01-01T00:00:00Z"),
            ("2014-01-02T10:20:30+02:00", "2014-01-02T08:20:30Z"),
            ("2014-01-02T22:20:30-0530", "2014-01-03T03:50:30Z"),
            ("20140102102030", "2014-01-02T10:20:30Z"),
            ("", "none"),
            ("2014-1-2", "none"),
            ("2014-13-02", "none"),
            ("1969-12-31T23:59:59Z", "none"),
            ("1970-01-01T00:00:00+01:00", "none"),
            ("1969-12-31T23:30:00-01:00", "1970-01-01T00:30:00Z"),
            ("2106-02-07T07:28:15+01:00", "2106-02-07T06:28:15Z"),
            ("2106-02-07T07:28:16+01:00", "none"),
            ("2014-01-02T10:20:30+23:59", "2014-01-01T10:21:30Z"),
            ("2014-01-02T10:20:30+24:00", "none"),
            ("2014-01-02T10:20:30-01:60", "none"),
            ("2014-01-02T10:20:30 CET", "none"),
        ] {
            assert_eq!(shown(warc(text)), expected, "{text}");
        }
    }

    #[test]
    fn r1_arc_dates_of_ten_to_eighteen_digits() {
        for (text, expected) in [
            ("20080430204825", "2008-04-30T20:48:25Z"),
            ("2016020900", "2016-02-09T00:00:00Z"),
            ("200011101120", "2000-11-10T11:20:00Z"),
            ("201512000000000", "2015-12-01T00:00:00Z"),
            ("2000082305410049", "2000-08-23T05:41:00Z"),
            ("200009180023002953", "2000-09-18T00:23:00Z"),
            ("20160211000000jpg", "2016-02-11T00:00:00Z"),
            ("a0d1fdddf3165d0447b1f7a285c61c1c9", "none"),
            ("20081430204825", "none"),
            ("2008", "none"),
        ] {
            assert_eq!(shown(arc(text)), expected, "{text}");
        }
    }
}
