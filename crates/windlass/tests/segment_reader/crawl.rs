//! What a crawl may come upon, in two archives, so that it takes both to know when a link was seen.

use crate::warc::{Warc, a, document};

const TARGET: &str = "http://a.target.example/";
const OTHER: &str = "http://b.target.example/path?x=1&y=2";

fn always() -> String {
    a(TARGET, "Always", "")
}

fn comes_and_goes(rel: &str) -> String {
    a(OTHER, "Comes &amp; goes", &format!("rel=\"{rel}\""))
}

fn both() -> String {
    always() + &comes_and_goes("nofollow")
}

/// Links of all types, to all sorts of hosts, with anchors that are hard to fold or to write.
fn all_types() -> String {
    let mut body = String::from(
        "<meta http-equiv=refresh content='5; url=http://refresh.t.example/'>\
         <link rel=canonical href='http://canonical.t.example/'>\
         <link rel=alternate href='http://alternate.t.example/'>\
         <form action='http://form.t.example/'></form><iframe src='http://frame.t.example/'></iframe>\
         <map><area href='http://t.example/area' alt='An area'></map>\
         <a href='http://t.example/img'><img alt='Pic &amp; ture' src=x>  text</a>",
    );
    for (target, anchor, attributes) in [
        ("http://t.example/", "ΑΣ İstanbul ß", "rel='ugc sponsored'"),
        ("http://t.example/", "ΑΣ İstanbul ß", ""),
        ("http://t.example/", "ας i̇stanbul ß", ""),
        ("http://t.example/", "", ""),
        ("https://t.example/", "x", ""),
        ("https://t.example:8443/", "port", ""),
        ("http://t.example:8080/", "port", "rel=nofollow"),
        ("http://t.example./", "dot", ""),
        ("http://t.example/c", "&#27;q&quot;\\ 😀&#x2028;x", ""),
        ("http://[2001:db8::1]/v6", "six", ""),
        ("http://192.0.2.9:81/", "four", ""),
        ("http://müller.example/ä?ö", "Umlaut", ""),
        ("https://alice.github.io/", "private", ""),
        ("/internal", "in", "rel=nofollow"),
        ("http://a.types.example/", "below", ""),
    ] {
        body += &a(target, anchor, attributes);
    }
    // So many first letters that a node of the directory has an index.
    for letter in ('a'..='z').chain('0'..='9') {
        body += &a(&format!("http://{letter}.example/"), "letter", "");
    }
    document("Types \"q\" \\", &body)
}

/// The first archive.
pub(crate) fn first() -> Warc {
    let mut warc = Warc::default();
    let both = document("One", &both());
    let always = document("One", &always());
    for url in [
        "https://restored.example/",
        "http://news.example.co.uk/x?q=1",
        "http://gone.example/",
        "http://moved.example/",
        "http://other.example/",
    ] {
        warc.page(url, 2019, &both);
    }
    warc.page("https://restored.example/", 2020, &always);
    warc.revisit("http://news.example.co.uk/x?q=1", 2020, Some(2019));
    // Of nothing: before the first capture, and of a page that has none.
    warc.revisit("http://news.example.co.uk/x?q=1", 2018, None);
    warc.revisit("http://revisited.example/", 2020, None);
    warc.answer("http://gone.example/", 2021, "404 Not Found", "x");
    warc.page("http://back.example/", 2019, &always);
    warc.answer("http://back.example/", 2020, "410 Gone", "x");
    warc.page("http://back.example/", 2021, &always);
    warc.redirect(
        "http://moved.example/",
        2020,
        302,
        "https://moved.example.net/x",
    );
    let pdf = "200 OK\r\nContent-Type: application/pdf";
    warc.answer("http://other.example/", 2020, pdf, "%PDF");
    warc.resource("http://resource.example/", 2020, &both);
    for (url, title) in [
        ("http://titles.example/1", "B"),
        ("http://titles.example/2", "A"),
        ("http://titles.example/3", ""),
    ] {
        warc.page(url, 2020, &document(title, &a("/in", "in", "")));
    }
    let copies = a("http://t.example/", "same", "rel=nofollow")
        + "<a rel=sponsored href='http://t.example/img'><img alt=z src=x></a>";
    warc.page("http://same.example/", 2020, &document("", &copies));
    warc.page("http://same.example/gone", 2020, &both);
    warc.resource("http://same.example/resource", 2020, &both);
    warc.redirect("http://same.example/moved", 2020, 302, "http://t.example/1");
    warc
}

/// The second one.
pub(crate) fn second() -> Warc {
    let mut warc = Warc::default();
    let ugc = document("", &(always() + &comes_and_goes("UGC")));
    let news = "http://news.example.co.uk/x?q=1";
    warc.page("https://restored.example/", 2022, &document("Two", &both()));
    warc.page("https://restored.example/", 2023, &ugc);
    warc.page("https://restored.example/", 2024, &document("Two", &both()));
    warc.page(news, 2021, &document("One", &always()));
    // Of a capture in the other archive; of the revisit before; of nothing.
    warc.revisit(news, 2022, Some(2019));
    warc.revisit(news, 2023, None);
    warc.revisit(news, 2024, Some(2010));
    // Two at once: what both show is united.
    warc.page(
        "http://twice.example/",
        2018,
        &document("", &comes_and_goes("nofollow")),
    );
    warc.page("http://twice.example/", 2019, &ugc);
    warc.page("http://twice.example/", 2020, &document("", &always()));
    warc.revisit("http://twice.example/", 2021, Some(2018));
    warc.revisit("http://twice.example/", 2021, Some(2019));
    // Of what comes later, and of each other.
    warc.page("http://loop.example/", 2020, &document("", &always()));
    warc.revisit("http://loop.example/", 2018, Some(2020));
    warc.revisit("http://loop.example/", 2021, Some(2022));
    warc.revisit("http://loop.example/", 2022, Some(2021));
    warc.revisit("http://loop.example/", 2023, Some(2023));
    warc.page("http://types.example/", 2020, &all_types());
    let robots = "<meta name=robots content=nofollow>".to_owned() + &both();
    warc.page("http://types.example/robots", 2020, &document("", &robots));
    warc.page("http://192.0.2.7:8080/p", 2020, &document("", &both()));
    // At second 0, which also says of a page that it was never really captured.
    warc.page("http://epoch.example/", 1970, &document("", &both()));
    for (url, title) in [
        ("http://titles.example/1", "A"),
        ("http://titles.example/2", "B"),
        ("http://titles.example/3", "C"),
    ] {
        warc.page(url, 2020, &document(title, &always()));
    }
    warc.page("http://resource.example/", 2020, &document("Page", &both()));
    let copies = a("http://t.example/", "same", "rel='sponsored ugc'")
        + "<a href='http://t.example/img'><img alt=a src=x></a>";
    warc.page("http://same.example/", 2020, &document("", &copies));
    for url in ["http://same.example/gone", "http://same.example/resource"] {
        warc.answer(url, 2020, "404 Not Found", "x");
    }
    warc.redirect("http://same.example/moved", 2020, 301, "http://t.example/2");
    warc
}

/// A site with so many backlinks, and so many anchors, that all that can be ready-made is: ranges of
/// each kind, heads, and links with dates of their own.
pub(crate) fn large_site() -> Warc {
    const LINKS: usize = 1000;
    let mut warc = Warc::default();
    for page in 0..70 {
        let mut links = Vec::new();
        for number in (page * LINKS..).take(LINKS) {
            let target = match number % 10 {
                0 => "http://www.large.example/d/one".to_owned(),
                2 => format!("http://large.example:8080/d/{}", number % 7),
                4 => "https://www.large.example/d/two".to_owned(),
                6 | 8 => format!("https://www.large.example/e/{}", number % 97),
                _ => "https://www.large.example/d/one".to_owned(),
            };
            links.push(a(&target, &format!("N{number}"), ""));
            if number % 50 == 0 {
                // The same anchor on the same page leads to several URLs.
                links.push(a(&target, "Common", ""));
                links.push(a("https://www.large.example/e/x", "common", ""));
            }
        }
        // The only link of its anchor to `/d/` has others to the site before it.
        links.push(a("https://www.large.example/e/x", "rare", ""));
        if page == 33 {
            links.push(a("https://www.large.example/d/two", "Rare", ""));
        }
        if page == 46 {
            // On its own page, too, where the one that came and went is before the one that was always there.
            links.insert(0, a("https://www.large.example/e/x", "odd", ""));
            links.push(a("https://www.large.example/d/two", "Odd", ""));
            links.insert(0, a("https://www.large.example/d/two", "even", ""));
            links.push(a("https://www.large.example/e/x", "Even", ""));
        }
        let url = format!("http://from{}.example/{page}", page % 7);
        let document = |from: usize| document("", &links[from..].concat());
        warc.page(&url, 2019, &document(0));
        match page % 10 {
            // Some links are lost.
            3 => warc.page(&url, 2021, &document(5)),
            // All are seen again.
            4 => warc.revisit(&url, 2022, None),
            // Some are new.
            5 => warc.page(&url, 2018, &document(7)),
            // Some come and go.
            6 => {
                warc.page(&url, 2017, &document(7));
                warc.page(&url, 2020, &document(LINKS / 2));
                warc.page(&url, 2021, &document(0));
            }
            7 => warc.revisit(&url, 2022, Some(2010)),
            _ => {}
        }
    }
    warc
}
