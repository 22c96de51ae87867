//! A page of the groups of rules, where whoever asks wants so many at a time.

use crate::hash::fnv1a;
use crate::http::params::Params;
use crate::http::reply::Reply;
use crate::http::rules::ShownGroup;

/// Which groups are wanted of all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// So many at most; none for all.
    pub(super) groups_max: Option<usize>,
    /// Where it begins, as the page before has said; empty for the first page.
    pub(super) token: String,
}

impl Page {
    pub(super) fn of(params: &Params) -> Result<Page, Reply> {
        let (limit, token) = (params.get("group_limit"), params.get("group_next_token"));
        if limit.is_empty() {
            if !token.is_empty() {
                let what = "group_limit needs to be present in order to paginate over the groups";
                return Err(Reply::invalid("group_next_token", what));
            }
            return Ok(Page { groups_max: None, token: String::new() });
        }
        match limit.parse::<i32>() {
            Ok(limit) if limit > 0 => {
                Ok(Page { groups_max: usize::try_from(limit).ok(), token: token.to_owned() })
            }
            Ok(_) => Err(Reply::invalid("group_limit", "group_limit needs to be greater than 0")),
            Err(_) => {
                let what = format!(
                    "group_limit needs to be a valid number: strconv.ParseInt: parsing {limit:?}: invalid syntax"
                );
                Err(Reply::invalid("group_limit", &what))
            }
        }
    }

    /// The groups from where the page begins on.
    pub(super) fn rest<'g>(&self, groups: &'g [ShownGroup]) -> Result<&'g [ShownGroup], Reply> {
        if self.token.is_empty() {
            return Ok(groups);
        }
        let begin = groups.iter().position(|group| token_of(group) == self.token);
        begin.and_then(|begin| groups.get(begin..)).ok_or_else(|| {
            let what = format!("invalid group_next_token '{}'. were rule groups changed?", self.token);
            Reply::invalid("group_next_token", &what)
        })
    }
}

/// By what a page begins with a group.
pub(super) fn token_of(group: &ShownGroup) -> String {
    format!("{:016x}", fnv1a(format!("{};{}", group.file, group.name).bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<Page, Reply> {
        Page::of(&Params::of(query, b"").unwrap())
    }

    #[test]
    fn a_page_begins_where_the_one_before_said() {
        let group = |name: &str| ShownGroup {
            name: name.to_owned(),
            file: "f".to_owned(),
            interval_ms: 1,
            rules: Vec::new(),
        };
        let groups = ["a", "b", "c"].map(group);
        assert_eq!(page("").unwrap(), Page { groups_max: None, token: String::new() });
        let second = page(&format!("group_limit=1&group_next_token={}", token_of(&groups[1]))).unwrap();
        assert_eq!(second.groups_max, Some(1));
        assert_eq!(second.rest(&groups).unwrap()[0].name, "b");
        for query in ["group_limit=0", "group_limit=x", "group_next_token=a"] {
            assert!(page(query).is_err(), "{query}");
        }
        assert!(page("group_limit=1&group_next_token=gone").unwrap().rest(&groups).is_err());
    }
}
