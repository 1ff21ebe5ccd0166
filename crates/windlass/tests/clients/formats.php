<?php
// The php output is what serialize() gives for the json output, byte for byte; asked as the official
// client does, by curl and by a stream of HTTP/1.0.
error_reporting(E_ALL);
set_error_handler(function ($number, $message) {
    throw new Exception($message);
});

$base = $argv[1];

function by_curl($url, $post) {
    $curl = curl_init($url);
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    if ($post) {
        curl_setopt($curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_0);
        curl_setopt($curl, CURLOPT_POST, true);
        curl_setopt($curl, CURLOPT_POSTFIELDS, '');
        curl_setopt($curl, CURLOPT_HTTPHEADER, array('Content-Type: text/plain'));
    }
    $body = curl_exec($curl);
    if ($body === false) {
        throw new Exception(curl_error($curl));
    }
    return $body;
}

function by_stream($url) {
    $http = array('method' => 'POST', 'header' => 'Content-Type: text/plain', 'ignore_errors' => true);
    return file_get_contents($url, false, stream_context_create(array('http' => $http)));
}

function check($condition, $what) {
    if (!$condition) {
        throw new Exception($what);
    }
}

$rows = 0;
foreach (array('github.com', 'wikipedia.org', 'python.org', 'hostile.example', 'nowhere.invalid') as $target) {
    foreach (array('', '&select=anchor', '&limit=0', '&where=nothing', '&dry_run=1') as $more) {
        $url = $base . '?from=anchors&mode=subdomains&history=all_time&target=' . $target . $more;
        $json = json_decode(by_curl("$url&output=json", false), true, 512, JSON_THROW_ON_ERROR);
        $php = by_curl("$url&output=php", false);
        check(by_curl("$url&output=php", true) === $php, "$url by POST");
        check(by_stream("$url&output=php") === $php, "$url by a stream");
        check(unserialize($php, array('allowed_classes' => false)) === $json, "$url unserialized");
        check(serialize($json) === $php, "$url serialized");
        $rows += count($json['anchors'] ?? array());
        check(isset($json['error']) === ($more === '&where=nothing'), "$url: an error");
    }
}
check($rows > 600, "only $rows rows were compared");
echo "all right\n";
