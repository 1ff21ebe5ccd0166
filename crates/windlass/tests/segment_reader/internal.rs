//! Internal links are not exported: they are compared with those that the archives themselves show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{demo, stdout};

/// Archives whose internal links are compared: one of them has the pages of another, later.
pub(crate) const DEMO: [&str; 3] = [
    "awesome-selfhosted.net.warc.gz",
    "docs.sqlalchemy.org-2021-03-15.warc.gz",
    "docs.sqlalchemy.org-2024-09-05.warc.gz",
];

/// Page, target, link type, anchor.
type Key = [String; 4];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn key(row: &Value) -> Key {
    ["page", "target", "link_type", "anchor"].map(|member| text(&row[member]))
}

fn rows(lines: &[String]) -> impl Iterator<Item = Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap())
}

/// The dates of all internal links to these sites; `captures` are those that the index has.
pub(crate) fn compare(internal: &[String], captures: &[String]) {
    let mut shown: BTreeMap<Key, BTreeSet<u64>> = BTreeMap::new();
    for name in DEMO {
        let lines = stdout([
            "links".as_ref(),
            "--internal".as_ref(),
            demo(name).as_os_str(),
        ]);
        for line in lines.lines() {
            let link: Value = serde_json::from_str(line).unwrap();
            if link["external"] == false {
                let time = humantime::parse_rfc3339(link["time"].as_str().unwrap()).unwrap();
                let second = time
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap()
                    .as_secs();
                shown.entry(key(&link)).or_default().insert(second);
            }
        }
    }
    let mut captured: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for capture in rows(captures) {
        let second = capture["time"].as_u64().unwrap();
        captured
            .entry(text(&capture["page"]))
            .or_default()
            .insert(second);
    }
    let sites = ["awesome-selfhosted.net", "sqlalchemy.org"];
    let mut compared = 0;
    for link in rows(internal).filter(|link| sites.iter().any(|site| link["site"] == *site)) {
        let key = key(&link);
        let seconds = shown.remove(&key).unwrap_or_default();
        assert_eq!(
            link["first_seen"].as_u64().as_ref(),
            seconds.first(),
            "{key:?}"
        );
        assert_eq!(
            link["last_visited"].as_u64().as_ref(),
            seconds.last(),
            "{key:?}"
        );
        let later = captured[&key[0]]
            .iter()
            .find(|&second| Some(second) > seconds.last());
        assert_eq!(link["lost"].as_u64().as_ref(), later, "{key:?}");
        assert_eq!(link["refdomain"], link["site"]);
        compared += 1;
    }
    assert!(shown.is_empty(), "not found: {:?}", shown.first_key_value());
    assert!(compared > 10_000, "{compared}");
}
