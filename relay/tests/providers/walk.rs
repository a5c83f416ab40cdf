//! Many at once: two who write to one agent, and one who walks through the list
//! while a thousand agents are made.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::server::World;

/// Agents that are made during the walk.
const MADE: usize = 1_000;

/// Who makes them.
const MAKERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_while_a_thousand_agents_are_made_lists_each_once_and_loses_none() {
    let world = Arc::new(World::with_limits("calls_per_minute = 1000000").await);
    let mut before = HashSet::new();
    for number in 0..50 {
        before.insert(world.make(&format!("Before {number}")).await);
    }
    let is_done = Arc::new(AtomicBool::new(false));
    let walking = {
        let (world, is_done, before) = (Arc::clone(&world), Arc::clone(&is_done), before.clone());
        tokio::spawn(async move {
            let mut walks = 0;
            loop {
                let is_last = is_done.load(Ordering::SeqCst);
                let listed = walk(&world, "?page_size=7").await;
                let unique: HashSet<&String> = listed.iter().collect();
                assert_eq!(unique.len(), listed.len(), "nothing is listed twice");
                let lost: Vec<&String> = before.iter().filter(|id| !unique.contains(id)).collect();
                assert!(lost.is_empty(), "what was there is listed: {lost:?}");
                walks += 1;
                if is_last {
                    return (walks, listed.len());
                }
            }
        })
    };
    let makers: Vec<_> = (0..MAKERS)
        .map(|maker| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut made = Vec::new();
                for number in 0..MADE / MAKERS {
                    made.push(world.make(&format!("Agent {maker}.{number}")).await);
                }
                made
            })
        })
        .collect();
    let mut made = before;
    for maker in makers {
        made.extend(maker.await.unwrap());
    }
    is_done.store(true, Ordering::SeqCst);
    let (walks, last) = walking.await.unwrap();
    assert!(walks > 1, "the walk went on while they were made");
    assert_eq!((made.len(), last), (MADE + 50, MADE + 50), "none is lost");
    let all: HashSet<String> = walk(&world, "?page_size=100&status=active").await.into_iter().collect();
    assert_eq!(all, made);
}

/// The ids of all agents, page by page.
async fn walk(world: &World, query: &str) -> Vec<String> {
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.call("GET", &format!("/v1/agents{query}{cursor}"), None).await.is(200);
        let ids = page["data"].as_array().unwrap().iter();
        listed.extend(ids.map(|agent| agent["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return listed,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_write_to_one_agent_both_leave_what_they_wrote() {
    let world = Arc::new(World::with_limits("calls_per_minute = 1000000").await);
    let id = world.make("Guide").await;
    for round in 0..50 {
        let change = |field: &'static str, value: serde_json::Value| {
            let (world, id) = (Arc::clone(&world), id.clone());
            tokio::spawn(async move {
                let path = format!("/v1/agents/{id}");
                world.call("PATCH", &path, Some(json!({ field: value }))).await.is(200)
            })
        };
        let name = format!("Guide {round}");
        let prompt = format!("Be brief, {round}.");
        let (one, other) = (change("name", json!(name)), change("system_prompt", json!(prompt)));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        let kept = world.call("GET", &format!("/v1/agents/{id}"), None).await.is(200);
        assert_eq!((&kept["name"], &kept["system_prompt"]), (&json!(name), &json!(prompt)));
        // Whoever came second saw what the first had written.
        assert!(one == kept || other == kept, "{one} {other} {kept}");
    }
}
