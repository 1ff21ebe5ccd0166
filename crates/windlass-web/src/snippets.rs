//! A report as a request: in a shell and in the languages that the old service's clients are written in.

/// A request in one language.
#[derive(Debug)]
pub(crate) struct Snippet {
    pub(crate) id: &'static str,
    pub(crate) language: &'static str,
    pub(crate) code: String,
}

/// What stands where the reader's token belongs.
const TOKEN: &str = "YOUR_TOKEN";

/// The request, to the server at `base` (`http://127.0.0.1:8600`), with or without a token.
pub(crate) fn snippets(
    base: &str,
    request: &[(&'static str, String)],
    has_token: bool,
) -> Vec<Snippet> {
    let mut pairs: Vec<(&str, &str)> = request.iter().map(|(n, v)| (*n, v.as_str())).collect();
    pairs.push(("output", "json"));
    if has_token {
        pairs.push(("token", TOKEN));
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(&pairs);
    let url = format!("{base}/?{}", query.finish());
    let list = |line: &dyn Fn(&str, &str) -> String, separator: &str| {
        let lines: Vec<String> = pairs
            .iter()
            .map(|(name, value)| line(name, value))
            .collect();
        lines.join(separator)
    };
    let curl = list(
        &|name, value| format!("  --data-urlencode {}", shell(&format!("{name}={value}"))),
        " \\\n",
    );
    let python = list(
        &|name, value| format!("    \"{name}\": {},", script(value)),
        "\n",
    );
    let r = list(
        &|name, value| format!("  {name} = {}", script(value)),
        ",\n",
    );
    let php = list(
        &|name, value| format!("    '{name}' => {},", single_quoted(value)),
        "\n",
    );
    let javascript = list(&|name, value| format!("  {name}: {},", script(value)), "\n");
    let snippet = |id, language, code| Snippet { id, language, code };
    vec![
        snippet("request-url", "URL", url),
        snippet(
            "request-curl",
            "curl",
            format!("curl --get {} \\\n{curl}", shell(&format!("{base}/"))),
        ),
        snippet(
            "request-python",
            "Python",
            format!(
                "import requests\n\nanswer = requests.get({}, params={{\n{python}\n}})\nanswer.raise_for_status()\n\
                 for row in answer.json()[\"anchors\"]:\n    print(row[\"anchor\"], row[\"backlinks\"])",
                script(&format!("{base}/"))
            ),
        ),
        snippet(
            "request-r",
            "R",
            format!(
                "library(httr)\n\nanswer <- GET({}, query = list(\n{r}\n))\nstop_for_status(answer)\n\
                 anchors <- jsonlite::fromJSON(content(answer, \"text\", encoding = \"UTF-8\"))$anchors",
                script(&format!("{base}/"))
            ),
        ),
        snippet(
            "request-php",
            "PHP",
            format!(
                "<?php\n$query = http_build_query([\n{php}\n]);\n\
                 $answer = json_decode(file_get_contents({} . $query), true);\n\
                 foreach ($answer['anchors'] as $row) {{\n    echo $row['anchor'], ' ', $row['backlinks'], PHP_EOL;\n}}",
                single_quoted(&format!("{base}/?"))
            ),
        ),
        snippet(
            "request-javascript",
            "JavaScript",
            format!(
                "const query = new URLSearchParams({{\n{javascript}\n}});\n\
                 const answer = await fetch({} + query);\n\
                 if (!answer.ok) throw new Error(await answer.text());\n\
                 for (const row of (await answer.json()).anchors) {{\n  console.log(row.anchor, row.backlinks);\n}}",
                script(&format!("{base}/?"))
            ),
        ),
    ]
}

/// In single quotes of a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// In double quotes of Python, R and JavaScript alike: all but printable ASCII is escaped, in a form that
/// the three read.
fn script(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            c => {
                // UTF-16 surrogates are no characters in Python and R; letters beyond are safe as they are.
                match u32::from(c) {
                    code @ (1..=0xFFFF) if !c.is_alphanumeric() => {
                        quoted.push_str(&format!("\\u{code:04x}"));
                    }
                    // R has no strings with it, and no request needs one.
                    0 => {}
                    _ => quoted.push(c),
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

/// In single quotes of PHP.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_does_not_get_out() {
        let text = "it's \\'; rm -rf \"$HOME\" `id` \\";
        assert_eq!(shell(text), "'it'\\''s \\'\\''; rm -rf \"$HOME\" `id` \\'");
        assert_eq!(
            single_quoted(text),
            "'it\\'s \\\\\\'; rm -rf \"$HOME\" `id` \\\\'"
        );
        assert_eq!(
            script("it's \\\" \n\u{202e}é\0😀\\"),
            "\"it's \\\\\\\" \\u000a\\u202eé😀\\\\\""
        );
        // Each language has each value quoted.
        let request = [("target", "'\"\\".to_owned())];
        let snippets = snippets("http://h", &request, true);
        for (id, quoted) in [
            ("request-curl", "'target='\\''\"\\'"),
            ("request-python", "\"target\": \"'\\\"\\\\\","),
            ("request-r", "target = \"'\\\"\\\\\","),
            ("request-php", "'target' => '\\'\"\\\\',"),
            ("request-javascript", "target: \"'\\\"\\\\\","),
            ("request-url", "target=%27%22%5C"),
        ] {
            let snippet = snippets.iter().find(|snippet| snippet.id == id).unwrap();
            assert!(snippet.code.contains(quoted), "{}", snippet.code);
        }
    }
}
