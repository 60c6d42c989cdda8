/** The page's own texts in German. */

import type { Texts } from "./texts";

export const TEXTS: Texts = {
  // Before a conversation
  welcome: "Wie kann ich Ihnen helfen?",
  lead: "Sprechen Sie wie am Telefon. Sie können jederzeit unterbrechen.",
  talk: "Sprechen",
  type: "Schreiben",
  quietly: "Ohne Mikrofon, ohne Ton",
  examples: "Zum Beispiel",
  check_devices: "Mikrofon und Lautsprecher prüfen",
  allow_title: "Zugriff auf das Mikrofon erlauben",
  allow_text:
    "Ihr Browser fragt gleich nach dem Zugriff auf das Mikrofon. Der Assistent nutzt es nur während des Gesprächs, um Ihre Fragen zu hören. Sie können sich jederzeit stummschalten.",
  continue: "Weiter",
  type_instead: "Lieber schreiben",

  // The notice
  ai: "Sie sprechen mit einer KI.",
  ai_operator: "Sie sprechen mit einer KI. Betreiber: ${operator}.",
  talking_agrees: "Mit dem Gespräch stimmen Sie zu.",
  details: "Mehr dazu",
  agree: "Ich stimme zu",
  agree_missing: "– bitte zuerst ankreuzen",
  notice: "Über dieses Gespräch",
  notice_button: "KI und Datenschutz",
  call_us: "Oder rufen Sie uns an:",
  close: "Schließen",

  // What the agent does
  stage: "Der Assistent",
  waiting_microphone: "Warten auf das Mikrofon",
  connecting: "Verbindung wird aufgebaut",
  reconnecting: "Verbindung wird wiederhergestellt",
  ended: "Beendet",
  unheard: "Kein Ton vom Mikrofon",
  ready: "Bereit",
  muted: "Stumm",
  listening: "Hört zu",
  hearing: "Hört Sie",
  thinking: "Überlegt",
  speaking: "Spricht",
  busy_tool: "Einen Moment",
  hint_allow: "Wählen Sie „Zulassen“, wenn der Browser fragt.",
  hint_unheard:
    "Ihr Gerät hat das Mikrofon angehalten. Tippen Sie auf die Seite, um es wieder einzuschalten, oder schreiben Sie.",
  hint_type_read: "Schreiben Sie Ihre Frage und lesen Sie die Antwort.",
  hint_type_hear: "Schreiben Sie Ihre Frage und hören Sie die Antwort.",
  hint_hold: "Halten Sie zum Sprechen die Leertaste oder die Schaltfläche gedrückt.",
  hint_muted: "Der Assistent hört Sie nicht.",

  // The transcript
  heading: "Gespräch mit dem Assistenten",
  conversation: "Gespräch",
  what_was_said: "Was gesagt wurde",
  you: "Sie:",
  you_typed: "Sie haben geschrieben:",
  agent: "Assistent:",
  cut: "– unterbrochen",
  new_conversation: "Neues Gespräch, ${time}",
  transcript: "Mitschrift",
  copy: "Kopieren",
  copied: "Kopiert.",
  copy_refused:
    "Der Browser erlaubt dieser Seite das Kopieren nicht. Laden Sie die Mitschrift stattdessen herunter.",
  download: "Herunterladen",
  discard: "Verwerfen",
  discarded: "Verworfen.",
  undo_discard: "Wiederherstellen",
  file_name: "gespraech",
  line_new: "--- Neues Gespräch, ${time} ---",
  line_you: "[${time}] Sie: ${words}",
  line_typed: "[${time}] Sie (geschrieben): ${words}",
  line_agent: "[${time}] Assistent: ${words}",
  line_cut: "${words} (unterbrochen)",
  hung_up: "Sie haben das Gespräch beendet.",
  agent_ended: "Der Assistent hat das Gespräch beendet.",

  // The controls
  type_to_agent: "Dem Assistenten schreiben",
  type_question: "Ihre Frage",
  or_type: "Oder schreiben",
  send: "Senden",
  mute: "Mikrofon",
  mute_on: "Stumm",
  mute_name: "Mikrofon stummschalten",
  muted_name: "Mikrofon stummschalten: stumm",
  mute_tip: "Mikrofon stummschalten (${key})",
  unmute_tip: "Mikrofon einschalten (${key})",
  microphone_off: "Mikro aus",
  microphone_off_name: "Mikro aus: Mikrofon verwenden",
  use_microphone: "Mikrofon verwenden",
  sound: "Ton",
  sound_off: "Ton aus",
  sound_on_tip: "Ton einschalten (${key})",
  sound_off_tip: "Ton ausschalten (${key})",
  devices: "Geräte",
  end: "Beenden",
  end_name: "Gespräch beenden",
  hold: "Halten",
  hold_name: "Zum Sprechen gedrückt halten",
  hold_tip: "Zum Sprechen gedrückt halten (${key})",
  talking: "An",
  talking_name: "Zum Sprechen gedrückt halten: Mikrofon an",
  talk_again: "Noch einmal sprechen",
  type_again: "Noch einmal schreiben",
  sound_on: "Ton einschalten",
  light: "Helle Farben verwenden",
  dark: "Dunkle Farben verwenden",

  // Settings and keyboard shortcuts
  devices_title: "Geräte und Lautstärke",
  microphone: "Mikrofon",
  speaker: "Lautsprecher",
  device_number: "${device} ${number}",
  browser_default: "Standard des Browsers",
  volume: "Lautstärke des Assistenten",
  volume_buttons: "Stellen Sie die Lautstärke mit den Tasten Ihres Geräts ein.",
  push_to_talk: "Sprechtaste: stumm, solange Sie nicht die Schaltfläche oder die Leertaste gedrückt halten",
  announcements: "Ansagen für Screenreader",
  test_microphone: "Mikrofon testen",
  microphone_muted: "Das Mikrofon ist stumm.",
  microphone_works: "Das Mikrofon funktioniert.",
  microphone_watch: "Sagen Sie etwas und beobachten Sie den Balken.",
  test_sound: "Testton abspielen",
  test_playing: "Wird abgespielt",
  test_failed: "Der Ton konnte nicht abgespielt werden. Wählen Sie einen anderen Lautsprecher.",
  shortcuts: "Tastenkürzel",
  use_shortcuts: "Tastenkürzel verwenden",
  space: "Leertaste",
  shortcut_mute: "Mikrofon stummschalten oder einschalten",
  shortcut_sound: "Ton aus- oder einschalten",
  shortcut_type: "Zum Textfeld; Esc verlässt es",
  shortcut_hold: "Zum Sprechen gedrückt halten, wenn „Sprechtaste“ eingeschaltet ist",
  shortcut_help: "Diese Liste zeigen",

  // The queue
  queue_next: "Sie sind als Nächstes dran",
  queue_position: { other: "Ihr Platz in der Warteschlange: ${count}" },
  queue_short: "Weniger als eine Minute",
  queue_minutes: { one: "Etwa eine Minute", other: "Etwa ${count} Minuten" },
  queue_long: "Mehr als zehn Minuten",
  queue_text:
    "Alle unsere Leitungen sind besetzt. Ihr Gespräch beginnt von selbst; bis dahin ist Ihr Mikrofon aus.",
  queue_text_typing: "Alle unsere Leitungen sind besetzt. Ihr Gespräch beginnt von selbst.",
  queue_leave: "Warteschlange verlassen",

  // A person, and calls
  person: "Mit einem Menschen sprechen",
  person_named: "Mit einem Menschen sprechen: ${name}",
  call_number: "${number} anrufen",
  call_back: "Um Rückruf bitten",
  new_tab: "(öffnet einen neuen Tab)",
  call_me_title: "Lieber angerufen werden",
  call_me_number: "Ihre Telefonnummer",
  call_me_hint: "Mit Landesvorwahl: ${prefixes}. Der Anruf läuft über Twilio.",
  call_me: "Rufen Sie mich an",
  calling: "Wir rufen an …",
  call_placed:
    "Ihr Telefon klingelt gleich. Der Anruf kommt von ${number}. Nehmen Sie ihn an und drücken Sie die 1, um zu sprechen.",
  call_failed:
    "Der Dienst ist nicht erreichbar. Prüfen Sie Ihre Internetverbindung und versuchen Sie es noch einmal.",

  // The rating
  rating: "Bewertung",
  rating_question: "Wie war dieses Gespräch?",
  rating_good: "Gut",
  rating_bad: "Nicht gut",
  rating_sent: "Vielen Dank.",
  rating_gone: "Dieses Gespräch kann nicht mehr bewertet werden.",
  rating_failed: "Das konnte nicht gesendet werden. Bitte versuchen Sie es noch einmal.",
  comment: "Möchten Sie etwas hinzufügen? Der Betreiber dieser Seite liest es.",
  comment_send: "Kommentar senden",

  // Interruptions of the connection
  outage_unknown: "Die Verbindung wurde unterbrochen. Bitte warten Sie, bis sie wieder da ist.",
  outage_offline: "Ihr Gerät ist offline. Das Gespräch geht weiter, sobald es wieder online ist.",
  outage_network:
    "Wir sind von hier aus nicht erreichbar; wahrscheinlich liegt es an Ihrem Netz. Das Gespräch geht weiter, sobald es wieder da ist.",
  outage_service:
    "Unser Dienst antwortet nicht richtig; Ihr Netz ist in Ordnung. Bitte warten Sie auf den nächsten Versuch.",
  outage_moving: "Das Gespräch zieht auf einen anderen Server um. Es geht gleich weiter.",
  outage_reload: "Das Gespräch geht dort weiter, wo es aufgehört hat.",
  over_offline:
    "Ihr Gerät war länger als ${time} offline. Die Mitschrift bleibt hier. Versuchen Sie es noch einmal, um fortzufahren.",
  over_network:
    "Wir haben länger als ${time} nichts von Ihnen empfangen; wahrscheinlich liegt es an Ihrem Netz. Die Mitschrift bleibt hier. Versuchen Sie es noch einmal, um fortzufahren.",
  over_service:
    "Unser Dienst konnte nach ${time} noch nicht fortfahren. Es lag nicht an Ihrem Netz. Die Mitschrift bleibt hier. Versuchen Sie es noch einmal, um fortzufahren.",
  over_minutes: { one: "1 Minute", other: "${count} Minuten" },
  over_seconds: { one: "1 Sekunde", other: "${count} Sekunden" },

  // Problems
  try_again: "Noch einmal versuchen",
  try_again_wait: "Nach kurzer Wartezeit noch einmal versuchen",
  try_again_in: "Noch einmal versuchen in ${seconds} s",
  next_try_in: "Nächster Versuch in ${seconds} s",
  dismiss: "Ausblenden",
  insecure_title: "Kein Mikrofon unter dieser Adresse",
  insecure:
    "Browser erlauben das Mikrofon nur über https. Öffnen Sie die Seite mit https:// (oder auf localhost). Schreiben können Sie trotzdem.",
  unsupported_title: "Dieser Browser kann keine Anrufe führen",
  unsupported:
    "Er unterstützt kein WebRTC. Verwenden Sie eine aktuelle Version von Chrome, Edge, Firefox oder Safari.",
  denied_title: "Das Mikrofon ist blockiert",
  denied:
    "Diese Seite darf es nicht verwenden. Klicken Sie auf das Symbol links neben der Adresse, erlauben Sie das Mikrofon und versuchen Sie es noch einmal. Sie können auch schreiben.",
  no_microphone_title: "Kein Mikrofon gefunden",
  no_microphone:
    "Schließen Sie ein Mikrofon an oder schalten Sie es ein und versuchen Sie es noch einmal. Sie können auch schreiben.",
  microphone_taken_title: "Das Mikrofon wird schon verwendet",
  microphone_taken:
    "Ein anderes Programm verwendet es. Schließen Sie das Programm oder wählen Sie ein anderes Mikrofon und versuchen Sie es noch einmal. Sie können auch schreiben.",
  microphone_lost_title: "Das Mikrofon wurde getrennt",
  microphone_lost:
    "Es wurde abgezogen oder ausgeschaltet. Wählen Sie in den Einstellungen ein anderes; bis dahin können Sie schreiben.",
  microphone_changed_title: "Ein anderes Mikrofon wird verwendet",
  microphone_changed_to:
    "Der Assistent hört Sie jetzt über ${device}. In den Einstellungen können Sie ein anderes Mikrofon wählen.",
  microphone_changed:
    "Der Assistent hört Sie jetzt über ein anderes Mikrofon. Welches, können Sie in den Einstellungen wählen.",
  speaker_changed_title: "Ein anderer Lautsprecher wird verwendet",
  speaker_changed_to:
    "Sie hören den Assistenten jetzt über ${device}. In den Einstellungen können Sie einen anderen Lautsprecher wählen.",
  speaker_changed:
    "Sie hören den Assistenten jetzt über einen anderen Lautsprecher. Welchen, können Sie in den Einstellungen wählen.",
  busy_title: "Alle unsere Leitungen sind besetzt",
  busy: "Diese Seite versucht es von selbst noch einmal. Sie können sie geöffnet lassen.",
  closed_title: "Heute keine Gespräche mehr",
  closed: "Wir haben unser Limit für heute erreicht. Bitte versuchen Sie es morgen noch einmal.",
  consent_title: "Bitte stimmen Sie zuerst zu",
  consent:
    "Ein Gespräch kann beginnen, sobald Sie dem Hinweis zugestimmt haben. Kreuzen Sie „Ich stimme zu“ an und versuchen Sie es noch einmal.",
  limited_title: "Zu viele Gespräche",
  limited: "Aus Ihrem Netz wurden in kurzer Zeit viele Gespräche begonnen. Bitte warten Sie einen Moment.",
  refused_title: "Das Gespräch konnte nicht beginnen",
  refused: "Der Dienst hat das Gespräch abgelehnt. Bitte versuchen Sie es noch einmal.",
  unreachable_title: "Der Dienst ist nicht erreichbar",
  unreachable: "Er antwortet nicht. Prüfen Sie Ihre Internetverbindung und versuchen Sie es noch einmal.",
  no_route_title: "Keine Tonverbindung",
  no_route:
    "Der Dienst antwortet, aber der Ton kommt nicht durch: Wahrscheinlich sperrt ihn dieses Netz. Versuchen Sie es in einem anderen Netz, etwa über den Hotspot eines Telefons, oder schalten Sie Ihr VPN aus.",
  no_agent_title: "Der Assistent hat sich nicht gemeldet",
  no_agent: "Sie sind verbunden, aber der Assistent spricht nicht. Bitte versuchen Sie es noch einmal.",
  daily_title: "Der Raum war nicht zu betreten",
  daily:
    "Daily hat Sie nicht in den Gesprächsraum gelassen, oder Ihr Netz sperrt ihn. Bitte versuchen Sie es noch einmal.",
  outdated_title: "Diese Seite ist veraltet",
  outdated: "Seit Sie sie geöffnet haben, gibt es eine neue Version. Bitte laden Sie die Seite neu.",
  lost_title: "Die Verbindung ist abgebrochen",
  lost: "Wir haben zu lange nichts von Ihnen empfangen. Die Mitschrift bleibt hier; versuchen Sie es noch einmal, um fortzufahren.",
  service_lost_title: "Unser Dienst wurde unterbrochen",
  service_lost:
    "Es lag nicht an Ihrem Netz. Die Mitschrift bleibt hier; versuchen Sie es noch einmal, um fortzufahren.",
  forgotten_title: "Das Gespräch kann nicht fortgesetzt werden",
  forgotten:
    "Der Dienst kennt es nicht mehr. Die Mitschrift bleibt hier; versuchen Sie es noch einmal, um ein neues Gespräch zu beginnen.",
  forgotten_elsewhere:
    "Es geht in einem anderen Tab oder Fenster weiter. Die Mitschrift bis dahin bleibt hier.",
  not_taken_title: "Der Assistent konnte das nicht lesen",
  not_taken: "Bitte versuchen Sie es mit einer kürzeren Nachricht.",
  failed_title: "Etwas ist schiefgegangen",
  failed: "Das Gespräch musste beendet werden. Bitte versuchen Sie es noch einmal.",

  // How to allow a blocked microphone
  allow_steps:
    "Diese Seite darf das Mikrofon nicht verwenden. ${steps} Versuchen Sie es dann noch einmal. Sie können auch schreiben.",
  allow_firefox:
    "Klicken Sie links neben der Adresse auf das durchgestrichene Mikrofon oder das Schloss und entfernen Sie „Blockiert“.",
  allow_safari:
    "Wählen Sie in der Menüleiste Safari, Einstellungen für diese Website, und stellen Sie Mikrofon auf „Erlauben“.",
  allow_other: "Klicken Sie auf das Symbol links neben der Adresse und schalten Sie das Mikrofon ein.",
  allow_ios_app:
    "Öffnen Sie die App „Einstellungen“, wählen Sie Apps, ${app}, und schalten Sie das Mikrofon ein.",
  allow_ios_safari:
    "Tippen Sie in der Adressleiste auf das Seitenmenü („aA“ oder die kleine Seite), wählen Sie Website-Einstellungen und stellen Sie Mikrofon auf „Erlauben“.",
  allow_ios_inside: "Diese App kann das Mikrofon nicht verwenden. Öffnen Sie die Seite in Safari.",
  allow_android_inside: "Diese App kann das Mikrofon nicht verwenden. Öffnen Sie die Seite in Chrome.",
  allow_android_firefox:
    "Tippen Sie auf das Schloss links neben der Adresse und dann auf Mikrofon, bis dort „Erlaubt“ steht.",
  allow_android_lock:
    "Tippen Sie auf das Schloss links neben der Adresse, wählen Sie Berechtigungen und schalten Sie das Mikrofon ein.",
  allow_android_icon:
    "Tippen Sie auf das Symbol links neben der Adresse, wählen Sie Berechtigungen und schalten Sie das Mikrofon ein.",
};
