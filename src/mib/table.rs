//! The table of names: from a name to its place in the tree, and from a place to the object that it belongs to.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use custos_compat::snmp::Oid;

use super::builtin;
use super::object::{Object, Syntax};

/// Names and what they stand for. Never changes once it is made.
#[derive(Clone, Default)]
pub struct Names {
    objects: Vec<Object>,
    by_name: HashMap<Box<str>, usize>,
    /// By `MODULE::name`, where two modules have the same name for something.
    by_full_name: HashMap<Box<str>, usize>,
    by_place: HashMap<Box<[u32]>, usize>,
}

/// Why a text names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// There is no such name.
    Unknown(String),
    /// What follows the name is not a row of numbers.
    Suffix(String),
    /// There are more than 128 numbers.
    TooLong,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Unknown(name) => write!(f, "no object is named `{name}`"),
            NameError::Suffix(suffix) => write!(f, "`{suffix}` is not a row of numbers with dots between"),
            NameError::TooLong => f.write_str("an object identifier has at most 128 numbers"),
        }
    }
}

impl std::error::Error for NameError {}

impl Names {
    /// The names that come with the program.
    pub fn builtin() -> &'static Arc<Names> {
        static BUILTIN: OnceLock<Arc<Names>> = OnceLock::new();
        let make = || {
            let mut names = Names::default();
            builtin::objects().into_iter().for_each(|object| names.add(object));
            Arc::new(names)
        };
        BUILTIN.get_or_init(make)
    }

    /// Adds an object. Where two have one name, the first keeps it, and the other is reached by `MODULE::name`; where two
    /// lie at one place, the one that says more about its values names it.
    pub(super) fn add(&mut self, object: Object) {
        let place = self.objects.len();
        let full_name = format!("{}::{}", object.module, object.name).into_boxed_str();
        if self.by_full_name.contains_key(&full_name) {
            return;
        }
        self.by_full_name.insert(full_name, place);
        self.by_name.entry(object.name.clone()).or_insert(place);
        let known = self.by_place.get(object.oid.ids()).map(|known| self.objects[*known].syntax);
        if known.is_none_or(|syntax| syntax == Syntax::Node && object.syntax != Syntax::Node) {
            self.by_place.insert(object.oid.ids().into(), place);
        }
        self.objects.push(object);
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Every object, in no particular order.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter()
    }

    /// The object of a name, `ifDescr` or `IF-MIB::ifDescr`.
    pub fn by_name(&self, name: &str) -> Option<&Object> {
        let place = self.by_name.get(name).or_else(|| self.by_full_name.get(name));
        place.map(|place| &self.objects[*place])
    }

    /// The place of `1.3.6.1.2.1.1.3.0`, `sysUpTime.0` or `SNMPv2-MIB::sysUpTime.0`.
    ///
    /// # Errors
    /// The text names nothing, and why.
    pub fn resolve(&self, text: &str) -> Result<Oid, NameError> {
        if text.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit()) {
            return text.parse().map_err(|_| NameError::Suffix(text.to_owned()));
        }
        let (name, suffix) = match text.split_once('.') {
            Some((name, suffix)) => (name, Some(suffix)),
            None => (text, None),
        };
        let object = self.by_name(name).ok_or_else(|| NameError::Unknown(name.to_owned()))?;
        let Some(suffix) = suffix else { return Ok(object.oid.clone()) };
        let digits = |part: &str| part.parse::<u32>().ok().filter(|_| !part.starts_with('+'));
        let numbers: Option<Vec<u32>> = suffix.split('.').map(digits).collect();
        let numbers = numbers.ok_or_else(|| NameError::Suffix(suffix.to_owned()))?;
        object.oid.join(&numbers).ok_or(NameError::TooLong)
    }

    /// The object that a place belongs to, with the numbers behind it: for `ifDescr.3` the object `ifDescr` and `[3]`.
    pub fn object<'o>(&self, oid: &'o Oid) -> Option<(&Object, &'o [u32])> {
        let ids = oid.ids();
        (1..=ids.len()).rev().find_map(|len| {
            let place = self.by_place.get(&ids[..len])?;
            Some((&self.objects[*place], &ids[len..]))
        })
    }

    /// The name of a place, with the numbers that no name covers behind it: `ifDescr.3`. Numbers alone where the only name
    /// would be that of a root of the tree.
    pub fn name(&self, oid: &Oid) -> String {
        /// `enterprises` and above: names that say nothing.
        const ROOTS_LEN: usize = 6;
        match self.object(oid) {
            Some((object, rest)) if rest.is_empty() || object.oid.len() > ROOTS_LEN => {
                rest.iter().fold(object.name.to_string(), |name, number| format!("{name}.{number}"))
            }
            _ => oid.to_string(),
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names", self.len())
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Names) -> bool {
        self.objects == other.objects
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn oid(text: &str) -> Oid {
        text.parse().unwrap()
    }

    #[test]
    fn names_and_places_lead_to_one_another() {
        let names = Names::builtin();
        for (name, place) in [
            ("sysUpTime.0", "1.3.6.1.2.1.1.3.0"),
            ("ifHCInOctets.3", "1.3.6.1.2.1.31.1.1.1.6.3"),
            ("ifOperStatus", "1.3.6.1.2.1.2.2.1.8"),
            ("linkDown", "1.3.6.1.6.3.1.1.5.3"),
            ("hrStorageUsed.31", "1.3.6.1.2.1.25.2.3.1.6.31"),
            ("laLoad.1", "1.3.6.1.4.1.2021.10.1.3.1"),
            ("entPhySensorValue.1001", "1.3.6.1.2.1.99.1.1.1.4.1001"),
            ("upsEstimatedMinutesRemaining.0", "1.3.6.1.2.1.33.1.2.3.0"),
            ("upsTrapOnBattery", "1.3.6.1.2.1.33.2.1"),
            ("dot1dStpDesignatedRoot.0", "1.3.6.1.2.1.17.2.5.0"),
            ("diskIONReadX.25", "1.3.6.1.4.1.2021.13.15.1.1.12.25"),
            ("tcpCurrEstab.0", "1.3.6.1.2.1.6.9.0"),
        ] {
            assert_eq!(names.resolve(name), Ok(oid(place)), "{name}");
            assert_eq!(names.name(&oid(place)), name);
        }
        assert_eq!(names.resolve("IF-MIB::ifDescr.7"), Ok(oid("1.3.6.1.2.1.2.2.1.2.7")));
        assert_eq!(names.resolve(".1.3.6"), Ok(oid("1.3.6")));
        assert_eq!(names.name(&oid("1.3.6.1.4.1.9.2.1.58.0")), "1.3.6.1.4.1.9.2.1.58.0");
        assert_eq!(names.name(&oid("1.3.6.1.4.1")), "enterprises");
    }

    #[test]
    fn what_names_nothing_says_why() {
        let names = Names::builtin();
        assert_eq!(names.resolve("ifDecsr.1"), Err(NameError::Unknown("ifDecsr".into())));
        for bad in ["ifDescr.x", "ifDescr.", "ifDescr.1..2", "ifDescr.+1", "ifDescr.4294967296"] {
            assert!(matches!(names.resolve(bad), Err(NameError::Suffix(_))), "{bad}");
        }
        let long = format!("ifDescr{}", ".1".repeat(128));
        assert_eq!(names.resolve(&long), Err(NameError::TooLong));
        assert!(names.resolve("").is_err());
        assert!(names.resolve("1.3.x").is_err());
    }

    #[test]
    fn enumerations_and_units_are_known() {
        let names = Names::builtin();
        let status = names.by_name("ifOperStatus").unwrap();
        assert_eq!((status.word(2), status.number("up"), status.word(99)), (Some("down"), Some(1), None));
        assert_eq!(&*names.by_name("upsEstimatedMinutesRemaining").unwrap().units, "minutes");
        assert_eq!(names.by_name("sysUpTime").unwrap().syntax, Syntax::Ticks);
        assert_eq!(names.by_name("linkUp").unwrap().syntax, Syntax::Trap);
    }

    proptest! {
        #[test]
        fn a_place_is_found_by_its_name(number in any::<prop::sample::Index>(), rest in prop::collection::vec(any::<u32>(), 0..6)) {
            let names = Names::builtin();
            let object = number.get(&names.objects);
            // Below a root only some numbers are valid.
            prop_assume!(object.oid.len() > 1);
            let place = object.oid.join(&rest).unwrap();
            prop_assert_eq!(names.resolve(&names.name(&place)), Ok(place.clone()));
            let full = rest.iter().fold(format!("{}::{}", object.module, object.name), |name, id| format!("{name}.{id}"));
            prop_assert_eq!(names.resolve(&full), Ok(place));
        }

        #[test]
        fn any_text_names_a_place_or_says_why_not(text in "(\\.?[0-9]{1,11}|[.:+ ]|::|ifDescr|IF-MIB|.){0,8}") {
            let names = Names::builtin();
            match names.resolve(&text) {
                Ok(place) => prop_assert_eq!(names.resolve(&place.to_string()), Ok(place)),
                Err(why) => prop_assert!(!why.to_string().is_empty()),
            }
        }
    }
}
