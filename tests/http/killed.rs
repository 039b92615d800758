//! A service that is killed under its clients has lost nothing that it answered.

use std::collections::BTreeMap;

use serde_json::json;

use crate::client::Client;
use crate::server::Server;

#[test]
fn every_write_that_was_answered_is_there_after_kill_9_and_in_the_feed_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut server = Server::start_on(&data, &[]);
        let address = server.address.clone();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            for writer in 0..32 {
                let (address, tell) = (&address, tell.clone());
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    for number in 0.. {
                        let key = format!("course-v1:Org{writer}+C{round}+R{number}");
                        let body = json!({"course_key": key}).to_string();
                        client.raw(
                            format!("POST /v1/runs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes(),
                        );
                        match client.answer(false) {
                            Some(answer) if answer.status == 201 => tell.send(key).unwrap(),
                            // The service is gone.
                            _ => return,
                        }
                    }
                });
            }
            drop(tell);
            acknowledged.extend(told.iter().take(300));
            server.signal("KILL");
            acknowledged.extend(told.iter());
        });
        server.wait();
    }
    let server = Server::start_on(&data, &[]);
    let mut created = BTreeMap::<String, usize>::new();
    let (mut since, mut last) = (0, 0);
    loop {
        let page = server
            .get(&format!("/v1/changes?since={since}&limit=1000"))
            .expect(200);
        for change in page["results"].as_array().unwrap() {
            assert_eq!(change["sequence"], last + 1);
            last += 1;
            if change["entity"] == "course_run" {
                assert_eq!(change["kind"], "created");
                *created
                    .entry(change["key"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
        }
        since = page["next"].as_u64().unwrap();
        if page["next"] == page["latest"] {
            break;
        }
    }
    assert!(acknowledged.len() >= 900);
    for keys in acknowledged.chunks(500) {
        let found = server
            .json("POST", "/v1/runs/get", &json!({"course_keys": keys}))
            .expect(200);
        for (key, run) in keys.iter().zip(found["results"].as_array().unwrap()) {
            assert!(!run.is_null(), "{key} was answered 201 and is lost");
            assert_eq!(created.get(key), Some(&1), "{key} in the feed");
        }
    }
    let stored = server.get("/v1/stats").expect(200)["course_runs"]
        .as_u64()
        .unwrap();
    assert_eq!(created.len() as u64, stored);
}
