//! The open times of one day, in minutes from midnight.

use std::fmt;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Ranges of minutes within a day, in order, apart from one another; ends do not belong to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    ranges: Vec<(u16, u16)>,
}

impl Hours {
    /// The whole day.
    pub fn all() -> Hours {
        Hours { ranges: vec![(0, DAY)] }
    }

    /// Reads one range such as `08:00-18:00`; `24:00` is the end of the day.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str) -> Result<Hours, &'static str> {
        const FORM: &str = "a range of times such as `08:00-18:00`";
        let (start, end) = text.split_once('-').ok_or(FORM)?;
        let (start, end) = (minute(start.trim()).ok_or(FORM)?, minute(end.trim()).ok_or(FORM)?);
        match start.cmp(&end) {
            std::cmp::Ordering::Less => Ok(Hours { ranges: vec![(start, end)] }),
            std::cmp::Ordering::Equal => Err("a range of times that does not end where it begins"),
            std::cmp::Ordering::Greater => Err(
                "a range of times within a day; past midnight, write one to `24:00` and one from `00:00` on the next day",
            ),
        }
    }

    /// These times and others.
    pub fn and(mut self, other: &Hours) -> Hours {
        self.ranges.extend(&other.ranges);
        self.ranges.sort_unstable();
        let mut joined: Vec<(u16, u16)> = Vec::with_capacity(self.ranges.len());
        for (start, end) in self.ranges {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Hours { ranges: joined }
    }

    /// These times without others.
    pub fn without(self, other: &Hours) -> Hours {
        let mut ranges = self.ranges;
        for (from, to) in &other.ranges {
            ranges = ranges
                .into_iter()
                .flat_map(|(start, end)| [(start, end.min(*from)), (start.max(*to), end)])
                .filter(|(start, end)| start < end)
                .collect();
        }
        Hours { ranges }
    }

    /// Whether a minute of the day, from 0 to 1439, is among them.
    pub fn contains(&self, minute: u16) -> bool {
        self.ranges.iter().any(|(start, end)| (*start..*end).contains(&minute))
    }

    /// The first minute after this one at which the day opens or closes; `None` if it stays as it is until midnight.
    pub fn next_change(&self, minute: u16) -> Option<u16> {
        let edges = self.ranges.iter().flat_map(|(start, end)| [*start, *end]);
        edges.filter(|edge| *edge > minute && *edge < DAY).min()
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || minutes.len() != 2 || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= DAY).then_some(minute)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (start, end)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, end / 60, end % 60)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(ranges: &[&str]) -> Hours {
        ranges.iter().fold(Hours::default(), |hours, range| hours.and(&Hours::parse(range).unwrap()))
    }

    #[test]
    fn ranges_are_read_and_joined() {
        assert_eq!(
            hours(&["8:00-12:00", "11:30-18:00", "20:00-24:00"]).to_string(),
            "08:00-18:00, 20:00-24:00"
        );
        for wrong in
            ["", "8-18", "08:00", "08:00-08:00", "22:00-06:00", "08:60-09:00", "00:00-24:01", "+8:00-9:00"]
        {
            assert!(Hours::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_taken_out() {
        let day = hours(&["08:00-18:00"]);
        assert_eq!(day.clone().without(&hours(&["12:00-13:00"])).to_string(), "08:00-12:00, 13:00-18:00");
        assert_eq!(day.clone().without(&hours(&["00:00-09:00", "17:00-24:00"])).to_string(), "09:00-17:00");
        assert_eq!(day.without(&Hours::all()), Hours::default());
    }

    #[test]
    fn changes_within_a_day_are_found() {
        let day = hours(&["00:00-06:00", "22:00-24:00"]);
        assert_eq!(
            [0, 359, 360, 1319, 1320].map(|minute| day.contains(minute)),
            [true, true, false, false, true]
        );
        assert_eq!([0, 360, 1320].map(|minute| day.next_change(minute)), [Some(360), Some(1320), None]);
    }
}
