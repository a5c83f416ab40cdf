//! The bodies of requests, written by hand: the relay reads them by derive, and
//! a derived encoder would be there for every form of message that the widget
//! only ever receives.

use chinwag_protocol::object::list;
use chinwag_protocol::{
    ChatRequest, ConversationId, MessageId, ObjectWriter, Part, Role, TokenRequest, Trigger, UiMessage,
};

use crate::engine::Opinion;

/// The body of a token exchange.
pub fn token(request: &TokenRequest) -> String {
    let mut object = ObjectWriter::default();
    object.text("site", request.site.as_str());
    object.maybe("visitor", request.visitor.as_deref());
    object.maybe("identity", request.identity.as_deref());
    object.maybe("device", request.device.as_deref());
    object.finish()
}

/// The body of a rating.
pub fn rating(opinion: &Opinion) -> String {
    let mut object = ObjectWriter::default();
    match opinion.value {
        Some(value) => object.text("value", value.as_str()),
        None => object.json("value", "null"),
    }
    object.maybe("reason", opinion.reason.as_deref());
    object.finish()
}

/// The body of a chat request. Of its messages the text and the files are sent,
/// which is all that a visitor can say, and what tools of the page have answered.
pub fn chat(request: &ChatRequest) -> String {
    let mut object = ObjectWriter::default();
    object.text("id", ConversationId::as_str(&request.id));
    object.json("messages", &list(request.messages.iter().map(message)));
    let trigger = match request.trigger {
        Trigger::SubmitMessage => "submit-message",
        Trigger::RegenerateMessage => "regenerate-message",
    };
    object.text("trigger", trigger);
    object.maybe("messageId", request.message_id.as_ref().map(MessageId::as_str));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut object = ObjectWriter::default();
            object.text("name", &tool.name);
            object.text("description", &tool.description);
            object.json("parameters", tool.parameters.as_str());
            object.finish()
        });
        object.json("tools", &list(tools));
    }
    if let Some(context) = &request.context {
        object.json("context", context.as_str());
    }
    object.finish()
}

/// The body that gives a conversation another title.
pub fn title(title: &str) -> String {
    let mut object = ObjectWriter::default();
    object.text("title", title);
    object.finish()
}

fn message(message: &UiMessage) -> String {
    let mut object = ObjectWriter::default();
    object.text("id", &message.id);
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    object.text("role", role);
    object.json("parts", &list(message.parts.iter().filter_map(part)));
    object.finish()
}

fn part(part: &Part) -> Option<String> {
    let mut object = ObjectWriter::default();
    match part {
        Part::Text { text } => {
            object.text("type", "text");
            object.text("text", text);
        }
        Part::File { url, media_type, filename } => {
            object.text("type", "file");
            object.text("url", url);
            object.text("mediaType", media_type);
            object.maybe("filename", filename.as_deref());
        }
        Part::Tool { tool_call_id, tool_name, state, input, output, error_text } => {
            object.text("type", "dynamic-tool");
            object.text("toolName", tool_name);
            object.text("toolCallId", tool_call_id);
            object.text("state", state);
            for (name, json) in [("input", input), ("output", output)] {
                if let Some(json) = json {
                    object.json(name, json.as_str());
                }
            }
            object.maybe("errorText", error_text.as_deref());
        }
        _ => return None,
    }
    Some(object.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chinwag_protocol::{Feedback, Json, SiteKey, ToolDefinition};
    use serde_json::{Value, json};

    #[test]
    fn the_relay_reads_a_chat_request_as_it_was_meant() {
        let question = UiMessage {
            id: "m1".into(),
            role: Role::User,
            parts: vec![
                Part::Text { text: "\"What\"\n\u{7}ä?".into() },
                Part::File {
                    url: "/v1/files/a1".into(),
                    media_type: "image/png".into(),
                    filename: Some("a \"b\".png".into()),
                },
            ],
            metadata: None,
        };
        let mut request = ChatRequest {
            id: ConversationId::parse("c1").unwrap(),
            messages: vec![question],
            trigger: Trigger::SubmitMessage,
            message_id: None,
            tools: vec![],
            context: None,
        };
        assert_eq!(serde_json::from_str::<ChatRequest>(&chat(&request)).unwrap(), request);
        request.trigger = Trigger::RegenerateMessage;
        request.message_id = Some(MessageId::parse("m0").unwrap());
        request.context = Some(Json::parse("{\"page\":1}").unwrap());
        request.tools = vec![ToolDefinition {
            name: "look".into(),
            description: "Looks.".into(),
            parameters: Json::parse("{}").unwrap(),
        }];
        assert_eq!(serde_json::from_str::<ChatRequest>(&chat(&request)).unwrap(), request);
    }

    #[test]
    fn the_relay_reads_what_tools_of_the_page_answered() {
        let call = |id: &str, outcome: Result<&str, &str>| Part::Tool {
            tool_call_id: id.into(),
            tool_name: "look".into(),
            state: if outcome.is_ok() { "output-available" } else { "output-error" }.into(),
            input: Some(Json::parse("{\"city\":\"Malm\u{f6}\"}").unwrap()),
            output: outcome.ok().map(|json| Json::parse(json).unwrap()),
            error_text: outcome.err().map(Into::into),
        };
        let answers = UiMessage {
            id: "a1".into(),
            role: Role::Assistant,
            parts: vec![call("c1", Ok("[1,{\"a\":null}]")), call("c2", Err("no \"way\""))],
            metadata: None,
        };
        assert_eq!(serde_json::from_str::<UiMessage>(&message(&answers)).unwrap(), answers);
    }

    #[test]
    fn a_rating_that_is_taken_back_says_so() {
        let read = |value, reason: Option<&str>| -> Value {
            let opinion = Opinion { value, reason: reason.map(str::to_owned) };
            serde_json::from_str(&rating(&opinion)).unwrap()
        };
        assert_eq!(read(None, None), json!({ "value": null }));
        assert_eq!(
            read(Some(Feedback::Negative), Some("too \"long\"")),
            json!({ "value": "negative", "reason": "too \"long\"" })
        );
        assert_eq!(read(Some(Feedback::Positive), None), json!({ "value": "positive" }));
    }

    #[test]
    fn the_relay_reads_a_token_request_as_it_was_meant() {
        let mut request = TokenRequest {
            site: SiteKey::parse("site_demo").unwrap(),
            visitor: None,
            identity: None,
            device: None,
        };
        assert_eq!(serde_json::from_str::<TokenRequest>(&token(&request)).unwrap(), request);
        request.visitor = Some("v".into());
        request.identity = Some("i".into());
        request.device = Some("d".into());
        assert_eq!(serde_json::from_str::<TokenRequest>(&token(&request)).unwrap(), request);
    }
}
