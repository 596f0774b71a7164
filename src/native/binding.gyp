{
  "targets": [
    {
      "target_name": "crosspoint",
      "sources": [
        "module.cc",
        "napi.cc",
        "certificate.cc",
        "dtls-bio.cc",
        "dtls-context.cc",
        "dtls-session.cc",
        "dtls-binding.cc",
        "srtp-cipher.cc",
        "srtp-session.cc",
        "srtp-binding.cc"
      ],
      "defines": ["NAPI_VERSION=8", "OPENSSL_SUPPRESS_DEPRECATED"],
      "cflags_cc": ["-O3", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["-O3", "-Wall", "-Wextra", "-fvisibility=hidden"] },
      "conditions": [
        [
          "OS=='linux'",
          {
            "sources": [
              "address-table.cc",
              "multicast.cc",
              "receive-slots.cc",
              "poll-source.cc",
              "batch-source.cc",
              "udp-socket.cc",
              "udp-binding.cc",
              "udp-class.cc",
              "udp-pool.cc",
              "udp-pool-class.cc",
              "paced-sender.cc",
              "paced-class.cc",
              "fan-out.cc",
              "fan-out-binding.cc",
              "shared-pages.cc",
              "tcp-read.cc",
              "tcp-write.cc"
            ]
          }
        ]
      ]
    }
  ]
}
