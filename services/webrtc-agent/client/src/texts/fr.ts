/** The page's own texts in French. */

import type { Texts } from "./texts";

export const TEXTS: Texts = {
  // Before a conversation
  welcome: "Comment puis-je vous aider ?",
  lead: "Parlez comme au téléphone. Vous pouvez interrompre à tout moment.",
  talk: "Parler",
  type: "Écrire",
  quietly: "Sans micro, sans son",
  examples: "Par exemple",
  check_devices: "Vérifier le micro et le haut-parleur",
  allow_title: "Autoriser l'accès au micro",
  allow_text:
    "Votre navigateur va vous demander l'accès au micro. L'assistant ne l'utilise que pendant la conversation, pour entendre vos questions. Vous pouvez couper votre micro à tout moment.",
  continue: "Continuer",
  type_instead: "Écrire plutôt",

  // The notice
  ai: "Vous parlez avec une IA.",
  ai_operator: "Vous parlez avec une IA. Exploitant : ${operator}.",
  talking_agrees: "En parlant, vous acceptez.",
  details: "En savoir plus",
  agree: "J'accepte",
  agree_missing: "– cochez d'abord cette case",
  notice: "À propos de cette conversation",
  notice_button: "IA et vie privée",
  call_us: "Ou appelez-nous :",
  close: "Fermer",

  // What the agent does
  stage: "L'assistant",
  waiting_microphone: "En attente du micro",
  connecting: "Connexion en cours",
  reconnecting: "Reconnexion en cours",
  ended: "Terminé",
  unheard: "Micro inaudible",
  ready: "Prêt",
  muted: "Micro coupé",
  listening: "Vous écoute",
  hearing: "Vous entend",
  thinking: "Réfléchit",
  speaking: "Parle",
  busy_tool: "Un instant",
  hint_allow: "Choisissez « Autoriser » quand le navigateur vous le demande.",
  hint_unheard: "Votre appareil a arrêté le micro. Touchez la page pour le relancer, ou écrivez.",
  hint_type_read: "Écrivez votre question et lisez la réponse.",
  hint_type_hear: "Écrivez votre question et écoutez la réponse.",
  hint_hold: "Maintenez la barre d'espace ou le bouton pour parler.",
  hint_muted: "L'assistant ne vous entend pas.",

  // The transcript
  heading: "Parler avec l'assistant",
  conversation: "Conversation",
  what_was_said: "Ce qui a été dit",
  you: "Vous :",
  you_typed: "Vous avez écrit :",
  agent: "Assistant :",
  cut: "– interrompu",
  new_conversation: "Nouvelle conversation, ${time}",
  transcript: "Transcription",
  copy: "Copier",
  copied: "Copié.",
  copy_refused: "Le navigateur ne permet pas à cette page de copier. Téléchargez plutôt la transcription.",
  download: "Télécharger",
  discard: "Effacer",
  discarded: "Effacé.",
  undo_discard: "Annuler l'effacement",
  file_name: "conversation",
  line_new: "--- Nouvelle conversation, ${time} ---",
  line_you: "[${time}] Vous : ${words}",
  line_typed: "[${time}] Vous (écrit) : ${words}",
  line_agent: "[${time}] Assistant : ${words}",
  line_cut: "${words} (interrompu)",
  hung_up: "Vous avez mis fin à la conversation.",
  agent_ended: "L'assistant a mis fin à la conversation.",

  // The controls
  type_to_agent: "Écrire à l'assistant",
  type_question: "Votre question",
  or_type: "Ou écrivez",
  send: "Envoyer",
  mute: "Micro",
  mute_on: "Coupé",
  mute_name: "Couper le micro",
  muted_name: "Couper le micro : micro coupé",
  mute_tip: "Couper le micro (${key})",
  unmute_tip: "Réactiver le micro (${key})",
  microphone_off: "Sans micro",
  microphone_off_name: "Sans micro : utiliser le micro",
  use_microphone: "Utiliser le micro",
  sound: "Son",
  sound_off: "Son coupé",
  sound_on_tip: "Remettre le son (${key})",
  sound_off_tip: "Couper le son (${key})",
  devices: "Appareils",
  end: "Terminer",
  end_name: "Terminer la conversation",
  hold: "Maintenir",
  hold_name: "Maintenir pour parler",
  hold_tip: "Maintenir pour parler (${key})",
  talking: "Ouvert",
  talking_name: "Maintenir pour parler : micro ouvert",
  talk_again: "Parler à nouveau",
  type_again: "Écrire à nouveau",
  sound_on: "Activer le son",
  light: "Passer aux couleurs claires",
  dark: "Passer aux couleurs sombres",

  // Settings and keyboard shortcuts
  devices_title: "Appareils et volume",
  microphone: "Micro",
  speaker: "Haut-parleur",
  device_number: "${device} ${number}",
  browser_default: "Par défaut du navigateur",
  volume: "Volume de l'assistant",
  volume_buttons: "Réglez le volume avec les boutons de votre appareil.",
  push_to_talk:
    "Appuyer pour parler : micro coupé, sauf pendant que vous maintenez le bouton ou la barre d'espace",
  announcements: "Annonces pour lecteur d'écran",
  test_microphone: "Tester le micro",
  microphone_muted: "Le micro est coupé.",
  microphone_works: "Le micro fonctionne.",
  microphone_watch: "Dites quelque chose et regardez la barre.",
  test_sound: "Jouer un son de test",
  test_playing: "Lecture en cours",
  test_failed: "Le son n'a pas pu être joué. Choisissez un autre haut-parleur.",
  shortcuts: "Raccourcis clavier",
  use_shortcuts: "Utiliser les raccourcis clavier",
  space: "Espace",
  shortcut_mute: "Couper ou réactiver le micro",
  shortcut_sound: "Couper ou remettre le son",
  shortcut_type: "Aller au champ de texte ; Échap en sort",
  shortcut_hold: "Maintenir pour parler, si « Appuyer pour parler » est activé",
  shortcut_help: "Afficher cette liste",

  // The queue
  queue_next: "C'est bientôt à vous",
  queue_position: { other: "Votre place dans la file d'attente : ${count}" },
  queue_short: "Moins d'une minute",
  queue_minutes: { one: "Environ une minute", other: "Environ ${count} minutes" },
  queue_long: "Plus de dix minutes",
  queue_text:
    "Toutes nos lignes sont occupées. Votre conversation commencera automatiquement ; d'ici là, votre micro est coupé.",
  queue_text_typing: "Toutes nos lignes sont occupées. Votre conversation commencera automatiquement.",
  queue_leave: "Quitter la file d'attente",

  // A person, and calls
  person: "Parler à une personne",
  person_named: "Parler à une personne : ${name}",
  call_number: "Appeler le ${number}",
  call_back: "Demander à être rappelé",
  new_tab: "(ouvre un nouvel onglet)",
  call_me_title: "Être appelé plutôt",
  call_me_number: "Votre numéro de téléphone",
  call_me_hint: "Avec l'indicatif du pays : ${prefixes}. L'appel passe par Twilio.",
  call_me: "Appelez-moi",
  calling: "Appel en cours…",
  call_placed:
    "Votre téléphone va sonner dans un instant. L'appel vient du ${number}. Décrochez et appuyez sur 1 pour parler.",
  call_failed: "Le service est injoignable. Vérifiez votre connexion Internet, puis réessayez.",

  // The rating
  rating: "Évaluation",
  rating_question: "Comment était cette conversation ?",
  rating_good: "Bien",
  rating_bad: "Pas bien",
  rating_sent: "Merci.",
  rating_gone: "Cette conversation ne peut plus être évaluée.",
  rating_failed: "L'envoi a échoué. Veuillez réessayer.",
  comment: "Quelque chose à ajouter ? L'exploitant de cette page le lira.",
  comment_send: "Envoyer le commentaire",

  // Interruptions of the connection
  outage_unknown: "La connexion a été interrompue. Veuillez patienter pendant son rétablissement.",
  outage_offline:
    "Votre appareil est hors ligne. La conversation reprendra quand il sera de nouveau en ligne.",
  outage_network:
    "Nous sommes injoignables d'ici ; cela vient sans doute de votre réseau. La conversation reprendra à son retour.",
  outage_service:
    "Notre service ne répond pas correctement ; votre réseau fonctionne. Veuillez attendre le prochain essai.",
  outage_moving: "La conversation passe sur un autre serveur. Elle reprend dans un instant.",
  outage_reload: "La conversation reprend là où elle s'était arrêtée.",
  over_offline:
    "Votre appareil a été hors ligne pendant plus de ${time}. La transcription reste ici. Réessayez pour continuer.",
  over_network:
    "Nous n'avons rien reçu de vous pendant plus de ${time} ; cela vient sans doute de votre réseau. La transcription reste ici. Réessayez pour continuer.",
  over_service:
    "Notre service n'a pas pu reprendre en ${time}. Cela ne venait pas de votre réseau. La transcription reste ici. Réessayez pour continuer.",
  over_minutes: { one: "1 minute", other: "${count} minutes" },
  over_seconds: { one: "1 seconde", other: "${count} secondes" },

  // Problems
  try_again: "Réessayer",
  try_again_wait: "Réessayer après une courte attente",
  try_again_in: "Réessayer dans ${seconds} s",
  next_try_in: "Prochain essai dans ${seconds} s",
  dismiss: "Masquer",
  insecure_title: "Pas de micro à cette adresse",
  insecure:
    "Les navigateurs n'autorisent le micro qu'en https. Ouvrez la page avec https:// (ou sur localhost). Vous pouvez tout de même écrire.",
  unsupported_title: "Ce navigateur ne peut pas passer d'appels",
  unsupported:
    "Il ne prend pas en charge WebRTC. Utilisez une version récente de Chrome, Edge, Firefox ou Safari.",
  denied_title: "Le micro est bloqué",
  denied:
    "Cette page n'a pas le droit de l'utiliser. Cliquez sur l'icône à gauche de l'adresse, autorisez le micro et réessayez. Vous pouvez aussi écrire.",
  no_microphone_title: "Aucun micro trouvé",
  no_microphone: "Branchez ou allumez un micro, puis réessayez. Vous pouvez aussi écrire.",
  microphone_taken_title: "Le micro est déjà utilisé",
  microphone_taken:
    "Un autre programme l'utilise. Fermez ce programme ou choisissez un autre micro, puis réessayez. Vous pouvez aussi écrire.",
  microphone_lost_title: "Le micro a été déconnecté",
  microphone_lost:
    "Il a été débranché ou éteint. Choisissez-en un autre dans les réglages ; en attendant, vous pouvez écrire.",
  microphone_changed_title: "Un autre micro est utilisé",
  microphone_changed_to:
    "L'assistant vous entend maintenant par ${device}. Vous pouvez choisir un autre micro dans les réglages.",
  microphone_changed:
    "L'assistant vous entend maintenant par un autre micro. Vous pouvez choisir lequel dans les réglages.",
  speaker_changed_title: "Un autre haut-parleur est utilisé",
  speaker_changed_to:
    "Vous entendez maintenant l'assistant par ${device}. Vous pouvez choisir un autre haut-parleur dans les réglages.",
  speaker_changed:
    "Vous entendez maintenant l'assistant par un autre haut-parleur. Vous pouvez choisir lequel dans les réglages.",
  busy_title: "Toutes nos lignes sont occupées",
  busy: "Cette page réessaie automatiquement. Vous pouvez la laisser ouverte.",
  closed_title: "Plus de conversations aujourd'hui",
  closed: "Nous avons atteint notre limite pour aujourd'hui. Veuillez réessayer demain.",
  consent_title: "Veuillez d'abord accepter",
  consent:
    "Une conversation peut commencer dès que vous avez accepté l'avis. Cochez « J'accepte », puis réessayez.",
  limited_title: "Trop de conversations",
  limited:
    "De nombreuses conversations ont été lancées depuis votre réseau en peu de temps. Veuillez patienter un instant.",
  refused_title: "La conversation n'a pas pu commencer",
  refused: "Le service a refusé la conversation. Veuillez réessayer.",
  unreachable_title: "Le service est injoignable",
  unreachable: "Il n'a pas répondu. Vérifiez votre connexion Internet, puis réessayez.",
  no_route_title: "Pas de connexion audio",
  no_route:
    "Le service répond, mais le son ne passe pas : ce réseau le bloque sans doute. Essayez un autre réseau, par exemple le partage de connexion d'un téléphone, ou désactivez votre VPN.",
  no_agent_title: "L'assistant n'a pas répondu",
  no_agent: "Vous êtes connecté, mais l'assistant n'a pas pris la parole. Veuillez réessayer.",
  daily_title: "Impossible de rejoindre la salle",
  daily: "Daily ne vous a pas admis dans la salle d'appel, ou votre réseau la bloque. Veuillez réessayer.",
  outdated_title: "Cette page n'est plus à jour",
  outdated:
    "Une nouvelle version a été installée depuis que vous l'avez ouverte. Veuillez recharger la page.",
  lost_title: "La connexion a été perdue",
  lost: "Nous n'avons rien reçu de vous depuis trop longtemps. La transcription reste ici ; réessayez pour continuer.",
  service_lost_title: "Notre service a été interrompu",
  service_lost: "Cela ne venait pas de votre réseau. La transcription reste ici ; réessayez pour continuer.",
  forgotten_title: "La conversation ne peut pas reprendre",
  forgotten:
    "Le service ne l'a plus. La transcription reste ici ; réessayez pour commencer une nouvelle conversation.",
  forgotten_elsewhere:
    "Elle continue dans un autre onglet ou une autre fenêtre. La transcription jusque-là reste ici.",
  not_taken_title: "L'assistant n'a pas pu lire cela",
  not_taken: "Veuillez essayer un message plus court.",
  failed_title: "Un problème est survenu",
  failed: "La conversation a dû s'arrêter. Veuillez réessayer.",

  // How to allow a blocked microphone
  allow_steps:
    "Cette page n'a pas le droit d'utiliser le micro. ${steps} Puis réessayez. Vous pouvez aussi écrire.",
  allow_firefox: "Cliquez sur le micro barré ou le cadenas à gauche de l'adresse, et retirez « Bloqué ».",
  allow_safari:
    "Dans la barre des menus, choisissez Safari, Réglages pour ce site web, et réglez Micro sur « Autoriser ».",
  allow_other: "Cliquez sur l'icône à gauche de l'adresse et activez le micro.",
  allow_ios_app: "Ouvrez l'app Réglages, choisissez Apps, ${app}, et activez le micro.",
  allow_ios_safari:
    "Touchez le menu de la page dans la barre d'adresse (« aA » ou la petite page), choisissez Réglages du site web, et réglez Micro sur « Autoriser ».",
  allow_ios_inside: "Cette application ne peut pas utiliser le micro. Ouvrez la page dans Safari.",
  allow_android_inside: "Cette application ne peut pas utiliser le micro. Ouvrez la page dans Chrome.",
  allow_android_firefox:
    "Touchez le cadenas à gauche de l'adresse, puis Micro jusqu'à ce qu'il indique « Autorisé ».",
  allow_android_lock:
    "Touchez le cadenas à gauche de l'adresse, choisissez Autorisations, et activez le micro.",
  allow_android_icon: "Touchez l'icône à gauche de l'adresse, choisissez Autorisations, et activez le micro.",
};
