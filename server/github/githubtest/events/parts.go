package events

import "strings"

// Repository shows a repository as events and the API do.
func Repository(fullName string, id int64, private bool) map[string]any {
	owner, name, _ := strings.Cut(fullName, "/")
	account := User(owner)
	account["name"] = owner
	visibility := "public"
	if private {
		visibility = "private"
	}
	return map[string]any{
		"id": id, "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=",
		"name": name, "full_name": fullName, "private": private, "visibility": visibility,
		"owner": account, "html_url": "https://github.com/" + fullName, "url": "https://github.com/" + fullName,
		"description": nil, "fork": false, "homepage": nil, "size": 12, "language": "Python",
		"clone_url":  "https://github.com/" + fullName + ".git",
		"git_url":    "git://github.com/" + fullName + ".git",
		"ssh_url":    "git@github.com:" + fullName + ".git",
		"created_at": 1557933641, "updated_at": "2026-10-30T08:00:00Z", "pushed_at": 1793610930,
		"stargazers_count": 0, "watchers_count": 0, "forks_count": 0, "open_issues_count": 2,
		"archived": false, "disabled": false, "topics": []string{}, "license": nil,
		"default_branch": "main", "master_branch": "main",
		// A list, though go-github's own type accepts only texts.
		"custom_properties": map[string]any{"team": "core", "languages": []string{"python", "go"}},
	}
}

// User shows an account.
func User(login string) map[string]any {
	return map[string]any{
		"login": login, "id": 21031067, "node_id": "MDQ6VXNlcjIxMDMxMDY3", "type": "User", "site_admin": false,
		"url": "https://api.github.com/users/" + login, "html_url": "https://github.com/" + login,
	}
}

// fill gives fields that are zero a plausible value.
func fill[T comparable](fields map[*T]T) {
	var zero T
	for field, value := range fields {
		if *field == zero {
			*field = value
		}
	}
}
